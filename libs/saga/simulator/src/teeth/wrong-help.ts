import { Rejection } from '@downbeat/eventsourcing';
import { isStarted, type RunEvent, type RunState } from '@downbeat/saga-domain';
import { TargetCaller } from '@downbeat/saga-service/testing';
import { deciding, leadingTo, rewriting } from './rewriting';
import { StoreWrapper } from './store-wrapper';
import type { Tooth } from './tooth';

/** Bugs in what operators can do: pauses, incidents, retries with an edited context. */
export const WRONG_HELP: readonly Tooth[] = [
  {
    name: 'paused-run-goes-on',
    says: 'an answer that comes in a pause leads on at once',
    shownBy: 37,
    mutation: {
      decider: deciding((sound) => (command, state) => {
        if (command.type !== 'CallAnswered' || !isStarted(state)) return sound(command, state);
        const decided = sound(command, { ...state, pause: undefined });
        return decided instanceof Rejection ? decided : leadingTo(decided.events, state);
      }),
    },
  },
  {
    name: 'pause-takes-time',
    says: 'timers have run on while the run was paused',
    mutation: {
      decider: rewriting((events) =>
        events.map((event): RunEvent =>
          event.type === 'WorkflowResumed'
            ? { ...event, data: { ...event.data, paused_ms: 0 } }
            : event,
        ),
      ),
    },
  },
  {
    name: 'answers-of-a-pause-forgotten',
    says: 'what was answered in a pause leads nowhere when it is over',
    shownBy: 32,
    mutation: {
      decider: rewriting((events) =>
        events[0]?.type === 'WorkflowResumed' ? events.slice(0, 1) : events,
      ),
    },
  },
  {
    name: 'pause-not-seen-in-the-log',
    says: 'whoever reads a paused run goes on with it',
    mutation: {
      store: (store) =>
        new StoreWrapper(store, undefined, (event) =>
          // That the parent knows of no end yet changes nothing.
          event.type === 'WorkflowPaused'
            ? { ...event, type: 'ParentTold', data: { ends: 0 } }
            : event,
        ),
    },
  },
  {
    name: 'paused-definition-not-heeded',
    says: 'a replica begins runs of a definition that it knows to be paused',
    shownBy: 67,
    mutation: { isDefinitionPaused: () => false },
  },
  {
    name: 'runs-of-a-paused-definition-left',
    says: 'a run is not paused with its definition',
    shownBy: 77,
    mutation: {
      decider: deciding(
        (sound) => (command, state) =>
          command.type === 'PauseWorkflow' && command.definition_pause !== undefined
            ? { events: [], state }
            : sound(command, state),
      ),
    },
  },
  {
    name: 'runs-of-a-resumed-definition-left',
    says: 'a run that was paused with its definition is not resumed with it',
    mutation: {
      decider: deciding(
        (sound) => (command, state) =>
          command.type === 'ResumeWorkflow' && command.definition_pause !== undefined
            ? { events: [], state }
            : sound(command, state),
      ),
    },
  },
  {
    name: 'paused-by-a-person-resumed-with-its-definition',
    says: 'a pause that somebody asked for ends with that of the definition',
    mutation: {
      decider: rewriting((events) =>
        events.map((event): RunEvent =>
          event.type === 'WorkflowPaused'
            ? { ...event, data: { definition_pause: 1, ...event.data } }
            : event,
        ),
      ),
    },
  },
  {
    name: 'paused-target-called',
    says: 'a replica does not hear that a target is paused',
    mutation: { rules: (rules) => rules.map((rule) => ({ ...rule, is_paused: false })) },
  },
  {
    name: 'skipped-taken-for-undone',
    says: 'an effect whose undo is given up counts as undone',
    shownBy: 23,
    mutation: {
      decider: rewriting((events) =>
        events.map((event): RunEvent =>
          event.type === 'IncidentResolved' && event.data.action === 'skip'
            ? { ...event, data: { ...event.data, action: 'done_by_hand' } }
            : event,
        ),
      ),
    },
  },
  {
    name: 'undone-by-hand-and-again',
    says: 'what somebody has undone by hand is undone once more',
    mutation: {
      decider: deciding((sound) => (command, state) => {
        const isByHand =
          command.type === 'ResolveIncident' && command.data.action === 'done_by_hand';
        if (!isByHand) return sound(command, state);
        const again = sound({ ...command, data: { ...command.data, action: 'retry' } }, state);
        if (again instanceof Rejection) return again;
        const events = again.events.map((event): RunEvent =>
          event.type === 'IncidentResolved'
            ? { ...event, data: { ...event.data, action: 'done_by_hand' } }
            : event,
        );
        return leadingTo(events, state);
      }),
    },
  },
  {
    name: 'incident-left-open',
    says: 'an incident that the end of its run has overtaken is never closed',
    shownBy: 28,
    mutation: {
      decider: rewriting((events) =>
        events.filter(
          ({ type, data }) => type !== 'IncidentResolved' || data.action !== 'overtaken',
        ),
      ),
    },
  },
  {
    name: 'signals-of-a-pause-mixed-up',
    says: 'of the signals that came in a pause the first step to go on takes the oldest',
    mutation: {
      decider: deciding((sound) => (command, state) => {
        if (command.type !== 'ResumeWorkflow') return sound(command, state);
        const decided = sound(command, underTheRulesBefore(state));
        return decided instanceof Rejection ? decided : leadingTo(decided.events, state);
      }),
    },
    shownBy: 3350,
  },
  {
    name: 'edit-under-the-old-key',
    says: 'an edited request has the key of the one before',
    mutation: {
      targets: (targets) =>
        new (class extends TargetCaller {
          override readonly call: TargetCaller['call'] = (effect, context) => {
            const [run = '', step = ''] = effect.key.split(':');
            const key = effect.purpose === 'step' ? `${run}:${step}` : effect.key;
            return targets.call({ ...effect, key }, context);
          };
        })(),
    },
  },
  {
    name: 'edit-without-effect',
    says: 'what is tried again after an edit is asked for as before',
    mutation: {
      decider: rewriting((events) =>
        events.map((event): RunEvent => {
          if (event.type !== 'StepRetried') return event;
          const { input: _, ...data } = event.data;
          return { ...event, data };
        }),
      ),
    },
  },
  {
    name: 'edit-of-what-is-in-doubt',
    says: 'what may have happened is asked for otherwise after an edit',
    shownBy: 91,
    mutation: {
      decider: deciding((sound) => (command, state) => {
        if (command.type !== 'RetryWorkflow') return sound(command, state);
        const decided = sound(command, withoutDoubt(state));
        return decided instanceof Rejection ? decided : leadingTo(decided.events, state);
      }),
    },
  },
];

const underTheRulesBefore = (state: RunState): RunState =>
  isStarted(state) ? { ...state, started: { ...state.started, rules: 2 } } : state;

/** As if everything that failed had failed for sure, and had left nothing. */
function withoutDoubt(state: RunState): RunState {
  if (!isStarted(state)) return state;
  const effects = state.effects.filter(({ step }) => state.steps.get(step)?.status !== 'failed');
  const steps = [...state.steps].map(
    ([address, step]) =>
      [address, step.status === 'failed' ? { ...step, outcome: 'failed' as const } : step] as const,
  );
  return { ...state, steps: new Map(steps), effects };
}
