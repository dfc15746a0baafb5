import type { RetryPolicy } from '@downbeat/contracts';
import { epochMs, instantOf } from '@downbeat/eventsourcing';
import { stepOf, type CompiledCall } from '../definition/compiled';
import { applyMapping } from '../expressions/mapping';
import { goOn } from './advance';
import { certaintyOf, describe, isRetriable, retryDelayMs, type Failure } from './classification';
import type { CallAnswered } from './commands';
import type { Draft } from './draft';
import type { FailedCall } from './events';
import { openIncident } from './incidents';
import { recordEnd, undoNext } from './settle';
import type { Calls } from './state';

/** An answer that is not awaited (late, repeated, of another call) changes nothing. */
export function answerStep(draft: Draft, command: CallAnswered): void {
  const { step: name, attempt, result } = command.data;
  const state = draft.run.steps.get(name);
  if (draft.run.status !== 'running' || state?.status !== 'calling') return;
  const step = stepOf(draft.definition, name);
  if (state.attempt !== attempt || step.type !== 'service_call') return;

  if (result.kind === 'ok') return succeed(draft, step, command);
  const failed = failedCall(result, command, step.call.retry, state, draft.isHalted);
  // A call that could only begin after the workflow's time-out is not waited for.
  const isInTime = failed.retry_at === undefined || failed.retry_at < draft.run.timeoutAt;
  if (failed.retry_at !== undefined && isInTime)
    return draft.record({ type: 'StepAttemptFailed', data: failed });

  const { retry_at: _, ...last } = failed;
  draft.record({ type: 'StepAttemptFailed', data: last });
  const unspent = isInTime ? '' : ' (no time left for another call)';
  recordEnd(draft, name, `${describe(result)}${unspent}`);
  goOn(draft, step);
}

function succeed(draft: Draft, step: CompiledCall, command: CallAnswered): void {
  const { attempt, result, reissued } = command.data;
  if (result.kind !== 'ok') return;
  const { output } = result;
  const changes = applyMapping(step.output, { context: draft.run.context, output });
  const { name, place, isOptional: optional } = step;
  if (changes.ok)
    draft.record({
      type: 'StepCompleted',
      data: { step: name, attempt, reissued, output, context: changes.value, at: draft.at },
    });
  else
    draft.record({
      type: 'StepFailed',
      data: {
        step: name,
        place,
        outcome: 'unusable',
        optional,
        message: `output_mapping: ${changes.message}`,
        attempts: attempt,
        output,
        reissued,
        at: draft.at,
      },
    });
  goOn(draft, step);
}

/** The same for an undo; the last failure opens an incident. */
export function answerUndo(draft: Draft, command: CallAnswered): void {
  const { step: name, attempt, result, reissued } = command.data;
  const { compensation } = draft.run;
  const undo = compensation?.undo;
  if (draft.run.status !== 'compensating' || compensation?.remaining[0] !== name) return;
  if (undo?.status !== 'calling' || undo.attempt !== attempt) return;
  const step = stepOf(draft.definition, name);
  if (step.type !== 'service_call' || !step.undo) return;

  if (result.kind === 'ok') {
    const { output } = result;
    const data = { step: name, attempt, reissued, output, at: draft.at };
    draft.record({ type: 'StepCompensated', data });
    return undoNext(draft);
  }
  const failed = failedCall(result, command, step.undo.retry, undo, false);
  draft.record({ type: 'UndoAttemptFailed', data: failed });
  if (failed.retry_at !== undefined) return;
  const message = describe(result);
  openIncident(draft, 'undo_failed', { step: name, message, attempts: attempt });
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
