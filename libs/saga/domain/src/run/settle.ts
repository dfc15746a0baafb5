import { stepOf } from '../definition/compiled';
import { applyMapping } from '../expressions/mapping';
import { caughtBy } from './caught';
import type { Failure } from './classification';
import type { Draft } from './draft';
import { openIncident } from './incidents';
import { planOf, savepointOf, standingSteps } from './plan';
import { delayTimer, heldCall, retryTimer } from './timers';

/**
 * Brings a halted run towards its end: gives up what only waits, leaves calls under way alone, and
 * once there are none begins to undo, or fails.
 */
export function settle(draft: Draft): void {
  let isCalling = false;
  for (const [name, step] of draft.run.steps) {
    if (step.status === 'calling' && !step.isHeld) isCalling = true;
    if (step.status === 'calling' && step.isHeld) {
      const timer_id = heldCall(name, step.attempt);
      draft.record({ type: 'WaitAbandoned', data: { step: name, timer_id, at: draft.at } });
      recordEnd(draft, name, 'not called: the run is ending');
    }
    if (step.status === 'delaying')
      draft.record({
        type: 'WaitAbandoned',
        data: { step: name, timer_id: delayTimer(name), at: draft.at },
      });
    if (step.status === 'waiting') {
      const timer_id = retryTimer(name, step.attempt);
      draft.record({ type: 'WaitAbandoned', data: { step: name, timer_id, at: draft.at } });
      recordEnd(draft, name, 'no further call: the run is ending');
    }
  }
  if (!isCalling) conclude(draft);
}

/**
 * The end of a step whose calls failed: unknown as soon as one of them was.
 *
 * @param failure Of the last call; it may be caught, unless the run is ending.
 */
export function recordEnd(draft: Draft, name: string, message: string, failure?: Failure): void {
  const state = draft.run.steps.get(name);
  const step = stepOf(draft.definition, name);
  if (!state || !('attempt' in state)) return;
  const outcome = state.isDoubtful ? 'unknown' : 'failed';
  const ending = {
    outcome,
    message,
    attempts: state.attempt,
    ...(failure ? { failure } : {}),
  } as const;
  const caught = step.type === 'service_call' && !draft.isHalted ? caughtBy(step, ending) : {};
  const isUndone = outcome === 'failed' && step.type === 'service_call' && step.isUndoneWhenFailed;
  draft.record({
    type: 'StepFailed',
    data: {
      step: name,
      place: step.place,
      outcome,
      optional: step.type === 'service_call' && step.isOptional,
      message,
      attempts: state.attempt,
      ...caught,
      ...(isUndone ? { undo: true } : {}),
      at: draft.at,
    },
  });
}

/** Nothing is under way: what is to be undone is known, and the first undo begins. */
export function conclude(draft: Draft): void {
  const { halt, started } = draft.run;
  if (!halt) return;
  const { reason, step } = halt;
  const strategy = halt.strategy ?? started.compensation_strategy;
  const savepoint =
    strategy === 'partial' ? savepointOf(draft.definition, draft.run, halt) : undefined;
  const steps = planOf(draft.definition, draft.run, strategy, halt);
  if (steps.length === 0) {
    const data = { reason, ...(step === undefined ? {} : { step }), at: draft.at };
    return draft.record({ type: 'WorkflowFailed', data });
  }
  const back = savepoint === undefined ? {} : { to_savepoint: savepoint };
  draft.record({
    type: 'CompensationStarted',
    data: { reason, strategy, ...back, steps, at: draft.at },
  });
  undoNext(draft);
}

/** Begins the next undo of the plan, unless the run is paused; after the last one the run is compensated. */
export function undoNext(draft: Draft): void {
  const { compensation, halt } = draft.run;
  if (!compensation || draft.run.pause) return;
  const [name] = compensation.remaining;
  if (name === undefined) {
    const step = halt?.step;
    return draft.record({
      type: 'WorkflowCompensated',
      data: {
        reason: compensation.reason,
        ...(step === undefined ? {} : { step }),
        standing_steps: standingSteps(draft.definition, draft.run),
        at: draft.at,
      },
    });
  }
  const step = stepOf(draft.definition, name);
  const effect = draft.run.effects.find((candidate) => candidate.step === name);
  if (step.type !== 'service_call' || !step.undo || !effect) return;
  const input = applyMapping(step.undo.input, { context: effect.context, output: effect.output });
  if (!input.ok)
    return openIncident(draft, 'undo_input', {
      step: name,
      message: `compensation_action.input_mapping: ${input.message}`,
      attempts: 0,
    });
  draft.record({
    type: 'UndoStarted',
    data: { step: name, input: input.value, attempt: 1, at: draft.at },
  });
}
