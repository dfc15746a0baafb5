import { Rejection } from '@downbeat/eventsourcing';
import {
  evolveRun,
  isStarted,
  runDecider,
  type CompiledStep,
  type RunEvent,
} from '@downbeat/saga-domain';
import { isUndoable } from '../oracle/places';
import { deciding, leadingTo, mishearing, rewriting } from './rewriting';
import type { Tooth } from './tooth';

type Planned = Extract<RunEvent, { type: 'CompensationStarted' }>;

/** Begins to undo what is named, whatever was to be undone. */
const undoing = (data: Planned['data']): readonly RunEvent[] => {
  const [step = ''] = data.steps;
  return [
    { type: 'CompensationStarted', data },
    { type: 'UndoStarted', data: { step, input: {}, attempt: 1, at: data.at } },
  ];
};

/** Bugs in the rules: what follows from what. */
export const WRONG_DECISIONS: readonly Tooth[] = [
  {
    name: 'compensation-order',
    says: 'steps are undone oldest first',
    mutation: {
      decider: rewriting((events) => {
        const index = events.findIndex(({ type }) => type === 'CompensationStarted');
        const planned = events[index] as Planned | undefined;
        if (!planned || planned.data.steps.length < 2) return events;
        const steps = planned.data.steps.toReversed();
        return [...events.slice(0, index), ...undoing({ ...planned.data, steps })];
      }),
    },
  },
  {
    name: 'retry-beyond-budget',
    says: 'every budget of retries is one larger than defined',
    mutation: {
      decider: (_, definition) => {
        const steps = [...definition.steps].map(([name, step]): [string, CompiledStep] => {
          if (step.type !== 'service_call') return [name, step];
          const max_retries = step.call.retry.max_retries + 1;
          const call = { ...step.call, retry: { ...step.call.retry, max_retries } };
          return [name, { ...step, call }];
        });
        return runDecider({ ...definition, steps: new Map(steps) });
      },
    },
  },
  {
    name: 'answer-recorded-twice',
    says: 'an answer to a step that is done is recorded again',
    mutation: {
      decider: deciding((sound) => (command, state) => {
        const decided = sound(command, state);
        if (decided instanceof Rejection || decided.events.length > 0) return decided;
        if (command.type !== 'CallAnswered' || !isStarted(state)) return decided;
        const { step, attempt, reissued, result, purpose } = command.data;
        const isDone = state.steps.get(step)?.status === 'passed';
        if (!isDone || purpose === 'undo' || result.kind !== 'ok') return decided;
        const { output } = result;
        const data = { step, attempt, reissued, output, context: {}, at: command.at };
        return leadingTo([{ type: 'StepCompleted', data }], state);
      }),
    },
  },
  {
    name: 'undo-of-what-failed-for-sure',
    says: 'a step that failed for sure is undone too',
    mutation: {
      decider: rewriting((events, before, definition) => {
        const failed = events.find(
          ({ type, data }) =>
            type === 'StepFailed' && 'outcome' in data && data.outcome === 'failed',
        );
        if (failed?.type !== 'StepFailed' || failed.data.attempts === 0 || !isStarted(before))
          return events;
        const { step, at, message: reason } = failed.data;
        if (!isUndoable(definition, step)) return events;
        const planned = events.findIndex(({ type }) => type === 'CompensationStarted');
        const plan = events[planned];
        if (plan?.type === 'CompensationStarted')
          return [
            ...events.slice(0, planned),
            ...undoing({ ...plan.data, steps: [step, ...plan.data.steps] }),
          ];
        if (events.at(-1)?.type !== 'WorkflowFailed') return events;
        if (before.started.compensation_strategy !== 'all') return events;
        return [...events.slice(0, -1), ...undoing({ reason, strategy: 'all', steps: [step], at })];
      }),
    },
  },
  {
    name: 'unknown-treated-as-failed',
    says: 'a call without an answer counts as one that had no effect',
    mutation: {
      decider: deciding((sound) => (command, state) => {
        if (command.type !== 'CallAnswered') return sound(command, state);
        const { result } = command.data;
        if (result.kind !== 'timeout' && result.kind !== 'broken') return sound(command, state);
        const { kind, message } = result;
        const refused = { kind: 'refused', message } as const;
        const decided = sound({ ...command, data: { ...command.data, result: refused } }, state);
        if (decided instanceof Rejection) return decided;
        const events = decided.events.map((event): RunEvent =>
          event.type === 'StepAttemptFailed' ? { ...event, data: { ...event.data, kind } } : event,
        );
        return { ...decided, events };
      }),
    },
  },
  {
    name: 'optional-step-in-doubt-forgotten',
    says: 'an optional step whose outcome is unknown is not undone',
    shownBy: 71,
    mutation: {
      decider: rewriting((events) =>
        events.map((event): RunEvent =>
          event.type === 'StepFailed' && event.data.optional && event.data.outcome === 'unknown'
            ? { ...event, data: { ...event.data, outcome: 'failed' } }
            : event,
        ),
      ),
    },
  },
  {
    name: 'doubt-forgotten-at-take-over',
    says: 'a call made again after a take-over counts as the first',
    shownBy: 189,
    mutation: {
      decider: mishearing((answer) => ({ ...answer, data: { ...answer.data, reissued: false } })),
    },
  },
  {
    name: 'doubt-forgotten-when-held',
    says: 'a call that is made again, and has to wait, counts as never sent',
    mutation: {
      decider: deciding((sound) => (command, state) => {
        if (command.type !== 'HoldCall') return sound(command, state);
        const { reissued: _, ...data } = command.data;
        return sound({ ...command, data }, state);
      }),
    },
    shownBy: 964,
  },
  {
    name: 'parked-undo-passed-over',
    says: 'an undo that keeps failing is taken for done',
    mutation: {
      decider: mishearing((answer, sound, state) => {
        const decided = sound(answer, state);
        const isParked =
          !(decided instanceof Rejection) && decided.events.at(-1)?.type === 'IncidentOpened';
        const result = { kind: 'ok', output: {} } as const;
        return isParked ? { ...answer, data: { ...answer.data, result } } : answer;
      }),
    },
  },
  {
    name: 'undo-beside-a-call',
    says: 'undoing begins while a parallel call is under way',
    mutation: {
      decider: rewriting((events, before, definition) => {
        const last = events.at(-1);
        if (last?.type !== 'StepFailed' || last.data.optional) return events;
        const run = events.reduce(evolveRun, before);
        if (!isStarted(run) || run.started.compensation_strategy !== 'all') return events;
        const steps = run.effects
          .map(({ step }) => step)
          .filter((step) => isUndoable(definition, step))
          .toReversed();
        if (steps.length === 0) return events;
        const { at, message: reason } = last.data;
        return [...events, ...undoing({ reason, strategy: 'all', steps, at })];
      }),
    },
  },
];
