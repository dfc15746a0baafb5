import type { RetryPolicy } from '@downbeat/contracts';
import { epochMs, instantOf } from '@downbeat/eventsourcing';
import { isGroup, isRequest, stepOf, type CompiledRequest } from '../definition/compiled';
import { applyMapping } from '../expressions/mapping';
import { goOn, rejoin } from './advance';
import { groupState } from './branches';
import { certaintyOf, describe, isRetriable, retryDelayMs, type Failure } from './classification';
import type { CallAnswered } from './commands';
import type { Draft } from './draft';
import type { FailedCall } from './events';
import { recordEnd, settle, undoNext } from './settle';
import type { Spot } from './spot';
import { isUndoing, type Calls } from './state';

/** An answer that is not awaited (late, repeated, of another call) changes nothing. */
export function answerStep(draft: Draft, command: CallAnswered): void {
  const { step: address, attempt, result } = command.data;
  const state = draft.run.steps.get(address);
  if (draft.run.status !== 'running' || state?.status !== 'calling') return;
  const spot = draft.spotOf(address);
  const { step } = spot;
  if (state.attempt !== attempt || !isRequest(step)) return;

  if (result.kind === 'ok') return succeed(draft, { ...spot, step }, command);
  const failed = failedCall(result, command, step.call.retry, state, draft.isStopped(spot));
  // A call that could only begin after the workflow's time-out is not waited for.
  const isInTime = failed.retry_at === undefined || failed.retry_at < draft.run.timeoutAt;
  if (failed.retry_at !== undefined && isInTime)
    return draft.record({ type: 'StepAttemptFailed', data: failed });

  const { retry_at: _, ...last } = failed;
  draft.record({ type: 'StepAttemptFailed', data: last });
  const unspent = isInTime ? '' : ' (no time left for another call)';
  recordEnd(draft, address, `${describe(result)}${unspent}`);
  goOn(draft, spot);
}

function succeed(draft: Draft, spot: Spot<CompiledRequest>, command: CallAnswered): void {
  const { attempt, result, reissued } = command.data;
  if (result.kind !== 'ok') return;
  const { output } = result;
  const { step, address } = spot;
  const changes = applyMapping(step.output, { context: draft.contextAt(spot), output });
  const { place, isOptional: optional } = step;
  if (changes.ok)
    draft.record({
      type: 'StepCompleted',
      data: {
        step: address,
        attempt,
        reissued,
        output,
        context: changes.value,
        ...draft.scopeAt(spot),
        at: draft.at,
      },
    });
  else
    draft.record({
      type: 'StepFailed',
      data: {
        step: address,
        place,
        outcome: 'unusable',
        optional,
        message: `output_mapping: ${changes.message}`,
        attempts: attempt,
        output,
        reissued,
        ...draft.scopeAt(spot),
        ...draft.withinAt(spot),
        at: draft.at,
      },
    });
  goOn(draft, spot);
}

/** The same for an undo; the last failure parks the run. */
export function answerUndo(draft: Draft, command: CallAnswered): void {
  const { step: name, attempt, result, reissued } = command.data;
  const { compensation } = draft.run;
  const undo = compensation?.undo;
  if (!isUndoing(draft.run) || compensation?.remaining[0] !== name) return;
  if (undo?.status !== 'calling' || undo.attempt !== attempt) return;
  const step = stepOf(draft.definition, name);
  if (!isRequest(step) || !step.undo) return;

  if (result.kind === 'ok') {
    const { output } = result;
    const data = { step: name, attempt, reissued, output, at: draft.at };
    draft.record({ type: 'StepCompensated', data });
    return undone(draft);
  }
  const isEnding = draft.run.status === 'running' && draft.isHalted;
  const failed = failedCall(result, command, step.undo.retry, undo, isEnding);
  draft.record({ type: 'UndoAttemptFailed', data: failed });
  if (isEnding) return settle(draft);
  if (failed.retry_at !== undefined) return;
  draft.record({
    type: 'UndoParked',
    data: { step: name, message: describe(result), attempts: attempt, at: draft.at },
  });
}

/** The next undo, or what waits for the last one. */
function undone(draft: Draft): void {
  const { status, compensation } = draft.run;
  if (status === 'compensating') return undoNext(draft);
  if (draft.isHalted) return settle(draft);
  if (!compensation || compensation.remaining.length > 0) return undoNext(draft);
  const isThis = ({ address }: Spot): boolean => address === compensation.race;
  const spots = [...draft.spots()];
  // Behind this race, and then behind others that waited for their turn to undo.
  for (const spot of [...spots.filter(isThis), ...spots.filter((one) => !isThis(one))]) {
    const { step, address } = spot;
    if (draft.isHalted || draft.run.status !== 'running') return;
    if (isGroup(step) && groupState(draft.run, address)?.winner !== undefined)
      rejoin(draft, { ...spot, step });
  }
}

function failedCall(
  result: Failure,
  command: CallAnswered,
  policy: RetryPolicy,
  calls: Calls,
  isLast: boolean,
): FailedCall {
  const { step, attempt, reissued } = command.data;
  const { at, chance } = command;
  const retry = attempt - calls.spent;
  const retriesMax = calls.maxRetries ?? policy.max_retries;
  const isRetried = !isLast && retry <= retriesMax && isRetriable(result, policy);
  const { retry_after_ms } = result.kind === 'answer' ? result : {};
  const delayMs = retryDelayMs(policy, retry, chance, retry_after_ms);
  return {
    step,
    attempt,
    kind: result.kind,
    ...(result.kind === 'answer' ? { status: result.status } : {}),
    message: result.message,
    ...(retry_after_ms === undefined ? {} : { retry_after_ms }),
    reissued,
    outcome: certaintyOf(result, reissued),
    ...(isRetried ? { retry_at: instantOf(epochMs(at) + delayMs) } : {}),
    chance,
    at,
  };
}
