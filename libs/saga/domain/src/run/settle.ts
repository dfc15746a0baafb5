import { isRequest, stepOf } from '../definition/compiled';
import { applyMapping } from '../expressions/mapping';
import { caughtBy } from './caught';
import type { Failure } from './classification';
import type { Draft } from './draft';
import { closeIncident, openIncident } from './incidents';
import { whyOversized } from './payload-limits';
import { planOf, savepointOf, standingSteps } from './plan';
import { opensIncidents } from './rules-version';
import { strategyOf } from './run-version';
import { isInside, type Around, type Spot } from './spot';
import { delayTimer, heldCall, retryTimer, signalTimer, undoTimer } from './timers';

/**
 * Brings a halted run towards its end, unless it is paused: gives up what only waits, leaves calls
 * under way alone, and once there are none begins to undo, or fails.
 */
export function settle(draft: Draft): void {
  if (draft.run.pause) return;
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
  if (undo?.status === 'parked' && opensIncidents(draft.run.started))
    closeIncident(draft, 'overtaken', { reason: 'the run is ending' });
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

/**
 * The end of a step whose calls failed: unknown as soon as one of them was.
 *
 * @param failure Of the last call; it may be caught, unless nothing goes on at this place.
 */
export function recordEnd(draft: Draft, address: string, message: string, failure?: Failure): void {
  const state = draft.run.steps.get(address);
  const spot = draft.spotOf(address);
  const { step } = spot;
  if (!state || !('attempt' in state)) return;
  const outcome = state.isDoubtful ? 'unknown' : 'failed';
  const ending = {
    outcome,
    message,
    attempts: state.attempt,
    ...(failure ? { failure } : {}),
  } as const;
  const caught = isRequest(step) && !draft.isStopped(spot) ? caughtBy(step, ending) : {};
  const wasCalled = state.attempt > 1 || !state.isHeld;
  const isUndone = outcome === 'failed' && wasCalled && isRequest(step) && step.isUndoneWhenFailed;
  draft.record({
    type: 'StepFailed',
    data: {
      step: address,
      place: step.place,
      outcome,
      optional: isRequest(step) && step.isOptional,
      message,
      attempts: state.attempt,
      ...caught,
      ...(isUndone ? { undo: true } : {}),
      ...draft.scopeAt(spot),
      ...draft.withinAt(spot),
      at: draft.at,
    },
  });
}

/** Nothing is under way: what is to be undone is known, and the first undo begins. */
export function conclude(draft: Draft): void {
  const { halt } = draft.run;
  if (!halt) return;
  const { reason, step } = halt;
  const strategy = halt.strategy ?? strategyOf(draft.run);
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
  if (!isRequest(step) || !step.undo || !effect) return;
  const input = applyMapping(step.undo.input, { context: effect.context, output: effect.output });
  const refusal = input.ok ? whyOversized(draft.run, 'it', input.value) : input.message;
  if (!input.ok || refusal !== undefined)
    return openIncident(draft, 'undo_input', {
      step: name,
      message: `compensation_action.input_mapping: ${refusal}`,
      attempts: 0,
    });
  const attempt = (effect.undoAttempts ?? 0) + 1;
  const edition = effect.isUndoAnew ? attempt : effect.undoEdition;
  draft.record({
    type: 'UndoStarted',
    data: {
      step: name,
      input: input.value,
      attempt,
      ...(edition === undefined ? {} : { edition }),
      at: draft.at,
    },
  });
}
