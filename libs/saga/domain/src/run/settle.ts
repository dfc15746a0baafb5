import { isRequest, stepOf } from '../definition/compiled';
import { applyMapping } from '../expressions/mapping';
import type { Draft } from './draft';
import { planOf, standingSteps } from './plan';
import { isInside, type Around, type Spot } from './spot';
import { delayTimer, heldCall, retryTimer, signalTimer, undoTimer } from './timers';

/**
 * Brings a halted run towards its end: gives up what only waits, leaves calls under way alone, and
 * once there are none begins to undo, or fails.
 */
export function settle(draft: Draft): void {
  let isCalling = false;
  for (const spot of draft.spots()) {
    giveUpWait(draft, spot);
    if (draft.run.steps.get(spot.address)?.status === 'calling') isCalling = true;
  }
  const { compensation } = draft.run;
  const { undo } = compensation ?? {};
  const [step] = compensation?.remaining ?? [];
  // Of a race: what its losers left is on the stack with the rest.
  const isHeld = undo?.status === 'calling' && undo.isHeld;
  if (undo?.status === 'calling' && !isHeld) isCalling = true;
  if ((undo?.status === 'waiting' || isHeld) && undo && step !== undefined)
    draft.record({
      type: 'WaitAbandoned',
      data: { step, timer_id: undoTimer(step, undo.attempt), at: draft.at },
    });
  if (!isCalling) conclude(draft);
}

/** In a branch that is cancelled nothing is waited for any more. */
export function giveUp(draft: Draft, { group, branch }: Around): void {
  for (const spot of [...draft.spots()])
    if (isInside(draft.definition, spot, group, branch)) giveUpWait(draft, spot);
}

function giveUpWait(draft: Draft, { address }: Spot): void {
  const state = draft.run.steps.get(address);
  const abandon = (timer_id: string) =>
    draft.record({ type: 'WaitAbandoned', data: { step: address, timer_id, at: draft.at } });
  const why = draft.isHalted ? 'the run is ending' : 'its branch is cancelled';
  if (state?.status === 'calling' && state.isHeld) {
    abandon(heldCall(address, state.attempt));
    recordEnd(draft, address, `not called: ${why}`);
  }
  if (state?.status === 'delaying') abandon(delayTimer(address));
  if (state?.status === 'awaiting') abandon(signalTimer(address));
  if (state?.status !== 'waiting') return;
  abandon(retryTimer(address, state.attempt));
  recordEnd(draft, address, `no further call: ${why}`);
}
/** The end of a step whose calls failed: unknown as soon as one of them was. */
export function recordEnd(draft: Draft, address: string, message: string): void {
  const state = draft.run.steps.get(address);
  const spot = draft.spotOf(address);
  const { step } = spot;
  if (!state || !('attempt' in state)) return;
  draft.record({
    type: 'StepFailed',
    data: {
      step: address,
      place: step.place,
      outcome: state.isDoubtful ? 'unknown' : 'failed',
      optional: isRequest(step) && step.isOptional,
      message,
      attempts: state.attempt,
      ...draft.scopeAt(spot),
      ...draft.withinAt(spot),
      at: draft.at,
    },
  });
}

/** Nothing is under way: what is to be undone is known, and the first undo begins. */
export function conclude(draft: Draft): void {
  const { halt, started } = draft.run;
  if (!halt) return;
  const { reason, step, customSteps } = halt;
  const strategy = halt.strategy ?? started.compensation_strategy;
  const steps = planOf(draft.definition, draft.run, strategy, customSteps);
  if (steps.length === 0) {
    const data = { reason, ...(step === undefined ? {} : { step }), at: draft.at };
    return draft.record({ type: 'WorkflowFailed', data });
  }
  draft.record({ type: 'CompensationStarted', data: { reason, strategy, steps, at: draft.at } });
  undoNext(draft);
}

/** Begins the next undo of the plan; after the last one the run is compensated. */
export function undoNext(draft: Draft): void {
  const { compensation, halt } = draft.run;
  if (!compensation) return;
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
  if (!isRequest(step) || !step.undo || !effect) return;
  const input = applyMapping(step.undo.input, { context: effect.context, output: effect.output });
  if (!input.ok)
    return draft.record({
      type: 'UndoParked',
      data: {
        step: name,
        message: `compensation_action.input_mapping: ${input.message}`,
        attempts: 0,
        at: draft.at,
      },
    });
  draft.record({
    type: 'UndoStarted',
    data: {
      step: name,
      input: input.value,
      attempt: (effect.undoAttempts ?? 0) + 1,
      at: draft.at,
    },
  });
}
