import { Rejection } from '@downbeat/eventsourcing';
import { evolveRun, isStarted, type RunEvent } from '@downbeat/saga-domain';
import { branchesAround, isUndoable, isWithin } from '../oracle/places';
import { deciderFor, deciding, leadingTo, rewriting } from './rewriting';
import type { Tooth } from './tooth';

/** Bugs in what waits, fans out and joins. */
export const WRONG_TURNS: readonly Tooth[] = [
  {
    name: 'race-undoes-its-winner',
    says: 'what the winner of a race did is undone with the rest',
    shownBy: 25,
    mutation: {
      decider: rewriting((events, before, definition) => {
        const index = events.findIndex(({ type }) => type === 'RaceUndoStarted');
        const planned = events[index];
        if (planned?.type !== 'RaceUndoStarted') return events;
        const { step: race, at } = planned.data;
        const run = events.slice(0, index).reduce(evolveRun, before);
        if (!isStarted(run)) return events;
        const steps = run.effects
          .map(({ step }) => step)
          .filter((step) => isWithin(branchesAround(definition, step), race))
          .filter((step) => isUndoable(definition, step))
          .toReversed();
        const [step = ''] = steps;
        return [
          ...events.slice(0, index),
          { ...planned, data: { ...planned.data, steps } },
          { type: 'UndoStarted', data: { step, input: {}, attempt: 1, at } },
        ];
      }),
    },
  },
  {
    name: 'loser-of-a-race-left-standing',
    says: 'of what the losers of a race did only the newest is undone',
    shownBy: 25,
    mutation: {
      decider: rewriting((events) =>
        events.map((event): RunEvent =>
          event.type === 'RaceUndoStarted'
            ? { ...event, data: { ...event.data, steps: event.data.steps.slice(0, 1) } }
            : event,
        ),
      ),
    },
  },
  {
    name: 'settle-taken-for-all',
    says: 'the first branch or item that fails ends the others, and the run',
    mutation: deciderFor((step) =>
      'join' in step && step.join === 'settle' ? { ...step, join: 'all' } : step,
    ),
  },
  {
    name: 'map-begins-too-many',
    says: 'a map has one item more under way than it may',
    mutation: deciderFor((step) =>
      step.type === 'map' ? { ...step, concurrency: step.concurrency + 1 } : step,
    ),
  },
  {
    name: 'map-in-the-wrong-order',
    says: 'a map gives what it collected newest first',
    mutation: {
      decider: rewriting((events) =>
        events.map((event): RunEvent => {
          if (event.type !== 'MapCompleted') return event;
          const turned = Object.entries(event.data.context).map(
            ([key, list]) => [key, Array.isArray(list) ? list.toReversed() : list] as const,
          );
          return { ...event, data: { ...event.data, context: Object.fromEntries(turned) } };
        }),
      ),
    },
  },
  {
    name: 'signal-taken-twice',
    says: 'every step that waits for a signal takes the same one',
    shownBy: 32,
    mutation: {
      decider: deciding((sound) => (command, state) => {
        const decided = sound(command, state);
        const isTaken = ({ type }: RunEvent) => type === 'SignalTaken';
        if (decided instanceof Rejection || command.type !== 'SignalWorkflow') return decided;
        const again = decided.events.some(isTaken) ? sound(command, decided.state) : decided;
        if (again instanceof Rejection || again === decided || !again.events.some(isTaken))
          return decided;
        const more = again.events.filter(({ type }) => type !== 'SignalReceived');
        return leadingTo([...decided.events, ...more], state);
      }),
    },
  },
  {
    name: 'early-signal-lost',
    says: 'a signal for which nobody waits yet is accepted and forgotten',
    mutation: {
      decider: deciding((sound) => (command, state) => {
        const decided = sound(command, state);
        if (decided instanceof Rejection || command.type !== 'SignalWorkflow') return decided;
        return decided.events.length === 1 ? { events: [], state } : decided;
      }),
    },
  },
];
