import {
  isStarted,
  type CallAnswered,
  type Calls,
  type Run,
  type RunEvent,
  type RunState,
} from '@downbeat/saga-domain';
import { Rejection } from '@downbeat/eventsourcing';
import { changingCalls, deciderFor, deciding, leadingTo, rewriting } from './rewriting';
import type { Tooth } from './tooth';

/** Bugs in what a definition says of failures: rules, catching, savepoints, undoing all the same. */
export const WRONG_FAILURES: readonly Tooth[] = [
  {
    name: 'rules-share-one-budget',
    says: 'what one rule has used up is gone for the others',
    shownBy: 68,
    mutation: {
      decider: deciding((sound) => (command, state) => {
        if (command.type !== 'CallAnswered') return sound(command, state);
        const decided = sound(command, withSharedBudget(command, state));
        return decided instanceof Rejection ? decided : leadingTo(decided.events, state);
      }),
    },
  },
  {
    name: 'never-taken-for-unsaid',
    says: 'a rule that says never is passed over',
    mutation: deciderFor(
      changingCalls((call) => ({
        ...call,
        rules: call.rules.filter(({ max_retries }) => max_retries > 0),
      })),
    ),
  },
  {
    name: 'last-rule-wins',
    says: 'of two rules that match a failure the last one governs it',
    mutation: deciderFor(
      changingCalls((call) => ({
        ...call,
        rules: call.rules.map((rule, index) => {
          const later = call.rules.slice(index + 1);
          const match = rule.match.filter(
            (one) => !later.some((other) => other.match.some((named) => isWider(named, one))),
          );
          return { ...rule, match };
        }),
      })),
    ),
  },
  {
    name: 'caught-and-gone-on-as-usual',
    says: 'a run goes on behind what it has caught as if nothing had failed',
    shownBy: 46,
    mutation: deciderFor((step) =>
      step.type === 'service_call'
        ? { ...step, onError: step.onError.map(({ match }) => ({ match, goto: step.next })) }
        : step,
    ),
  },
  {
    name: 'doubt-forgotten-when-caught',
    says: 'what is in doubt and caught is not undone',
    mutation: {
      decider: rewriting((events) =>
        events.map((event): RunEvent =>
          event.type === 'StepFailed' && event.data.caught && event.data.outcome === 'unknown'
            ? { ...event, data: { ...event.data, outcome: 'failed' } }
            : event,
        ),
      ),
    },
  },
  {
    name: 'savepoint-not-seen',
    says: 'what came before a savepoint that was passed is undone too',
    shownBy: 21,
    mutation: deciderFor((step) => ({ ...step, savepoint: undefined })),
  },
  {
    name: 'point-of-no-return-passed',
    says: 'without savepoints everything is undone, whatever cannot be undone came after it',
    shownBy: 42,
    mutation: deciderFor((step) =>
      step.type === 'service_call' && !step.undo
        ? { ...step, call: { ...step.call, method: 'GET' } }
        : step,
    ),
  },
  {
    name: 'custom-steps-in-their-order',
    says: 'the steps that are named are undone in the order of their names',
    mutation: {
      decider: rewriting((events) => {
        const index = events.findIndex(({ type }) => type === 'CompensationStarted');
        const planned = events[index];
        if (planned?.type !== 'CompensationStarted' || planned.data.strategy !== 'custom')
          return events;
        const steps = planned.data.steps.toSorted();
        const { at } = planned.data;
        return [
          ...events.slice(0, index),
          { ...planned, data: { ...planned.data, steps } },
          { type: 'UndoStarted', data: { step: steps[0] ?? '', input: {}, attempt: 1, at } },
        ];
      }),
    },
  },
  {
    name: 'too-large-answer-kept',
    says: 'an answer is kept, however large it is',
    mutation: {
      decider: deciding((sound) => (command, state) => {
        if (command.type !== 'CallAnswered') return sound(command, state);
        const decided = sound(command, unbounded(state));
        return decided instanceof Rejection ? decided : leadingTo(decided.events, state);
      }),
    },
  },
  {
    name: 'too-large-answer-taken-for-a-failure',
    says: 'a call whose answer is too large counts as one that had no effect',
    mutation: {
      decider: rewriting((events) =>
        events.map((event): RunEvent =>
          event.type === 'StepFailed' && event.data.oversized
            ? { ...event, data: { ...event.data, outcome: 'failed' } }
            : event,
        ),
      ),
    },
  },
  {
    name: 'failed-step-left-as-it-is',
    says: 'a step that is to be undone although it failed for sure is not',
    mutation: deciderFor((step) =>
      step.type === 'service_call' ? { ...step, isUndoneWhenFailed: false } : step,
    ),
  },
];

/** By the rules of before, which bound nothing. */
const unbounded = (state: RunState): RunState =>
  isStarted(state) ? { ...state, started: { ...state.started, rules: 2 } } : state;

const isWider = (named: string | number, one: string | number): boolean =>
  named === 'any' ||
  named === one ||
  (typeof one === 'number' && named === `${String(one).slice(0, 1)}xx`);

/** As if each rule had given all the retries that all of them gave. */
function withSharedBudget({ data }: CallAnswered, state: RunState): RunState {
  if (!isStarted(state)) return state;
  const shared = (calls: Calls): Partial<Calls> => {
    const sum = Object.values(calls.byRule).reduce((all, one) => all + one, 0);
    return { byRule: Object.fromEntries([0, 1].map((index) => [index, sum])) };
  };
  const undo = state.compensation?.undo;
  if (data.purpose === 'undo') return undo ? withUndo(state, { ...undo, ...shared(undo) }) : state;
  const calls = state.steps.get(data.step);
  if (calls?.status !== 'calling') return state;
  return { ...state, steps: new Map(state.steps).set(data.step, { ...calls, ...shared(calls) }) };
}

const withUndo = (run: Run, undo: NonNullable<Run['compensation']>['undo']): Run => ({
  ...run,
  compensation: run.compensation && { ...run.compensation, undo },
});
