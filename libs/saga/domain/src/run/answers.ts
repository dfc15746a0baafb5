import { epochMs, instantOf, type Json } from '@downbeat/eventsourcing';
import {
  isRequest,
  stepOf,
  type Call,
  type CompiledRequest,
  type Target,
} from '../definition/compiled';
import { applyMapping } from '../expressions/mapping';
import { goOn } from './advance';
import { caughtBy } from './caught';
import {
  certaintyOf,
  describe,
  isMatched,
  isRetriable,
  retryDelayMs,
  type Failure,
} from './classification';
import type { CallAnswered } from './commands';
import type { Draft } from './draft';
import type { FailedCall, StepFailed } from './events';
import { openIncident } from './incidents';
import { dueInPause } from './paused-time';
import { whyTooLarge } from './payload-limits';
import { recordEnd, settle } from './settle';
import type { Spot } from './spot';
import { isUndoing, type Calls } from './state';
import { undone } from './undone';

/** An answer that is not awaited (late, repeated, of another call) changes nothing. */
export function answerStep(draft: Draft, command: CallAnswered): void {
  const { step: address, attempt, result } = command.data;
  const state = draft.run.steps.get(address);
  if (draft.run.status !== 'running' || state?.status !== 'calling') return;
  const spot = draft.spotOf(address);
  const { step } = spot;
  if (state.attempt !== attempt || !isRequest(step)) return;

  if (result.kind === 'ok') return succeed(draft, { ...spot, step }, command, result.output);
  if (result.kind === 'oversized')
    return unusable(draft, { ...spot, step }, command, result.message, { oversized: true });
  const failed = failedCall(result, command, step.call, state, draft.isStopped(spot));
  // A call that could only begin after the workflow's time-out is not waited for.
  const isInTime =
    failed.retry_at === undefined ||
    dueInPause(draft.run, failed.retry_at, draft.at) < draft.run.timeoutAt;
  if (failed.retry_at !== undefined && isInTime)
    return draft.record({ type: 'StepAttemptFailed', data: failed });

  const { retry_at: _, ...last } = failed;
  draft.record({ type: 'StepAttemptFailed', data: last });
  const unspent = isInTime ? '' : ' (no time left for another call)';
  recordEnd(draft, address, `${describe(result)}${unspent}`, result);
  goOn(draft, spot, nextOf(draft, spot));
}

function succeed(
  draft: Draft,
  spot: Spot<CompiledRequest>,
  command: CallAnswered,
  output: Json,
): void {
  const { attempt, reissued } = command.data;
  const { step, address } = spot;
  const answer = whyTooLarge(draft, { 'the answer': output });
  if (answer !== undefined) return unusable(draft, spot, command, answer, { oversized: true });
  const changes = applyMapping(step.output, { context: draft.contextAt(spot), output });
  if (!changes.ok)
    return unusable(draft, spot, command, `output_mapping: ${changes.message}`, { output });
  const context = changes.value;
  const mapped = whyTooLarge(draft, {
    'the answer': output,
    'what output_mapping makes of it': context,
  });
  if (mapped !== undefined) return unusable(draft, spot, command, mapped, { oversized: true });
  draft.record({
    type: 'StepCompleted',
    data: {
      step: address,
      attempt,
      reissued,
      output,
      context,
      ...draft.scopeAt(spot),
      at: draft.at,
    },
  });
  goOn(draft, spot, nextOf(draft, spot));
}

/** It had its effect, and what it answered cannot be used. */
function unusable(
  draft: Draft,
  spot: Spot<CompiledRequest>,
  { data: { attempt, reissued } }: CallAnswered,
  message: string,
  kept: Pick<StepFailed['data'], 'output' | 'oversized'>,
): void {
  const { step, address } = spot;
  const { place, isOptional: optional } = step;
  const outcome = 'unusable';
  draft.record({
    type: 'StepFailed',
    data: {
      step: address,
      place,
      outcome,
      optional,
      message,
      attempts: attempt,
      ...(draft.isStopped(spot) ? {} : caughtBy(step, { outcome, message, attempts: attempt })),
      ...kept,
      reissued,
      ...draft.scopeAt(spot),
      ...draft.withinAt(spot),
      at: draft.at,
    },
  });
  goOn(draft, spot, nextOf(draft, spot));
}

/** Where a step that has ended leads: its own `next`, unless its failure was caught. */
function nextOf(draft: Draft, { address, step }: Spot): Target {
  const state = draft.run.steps.get(address);
  return (state?.status === 'failed' ? state.goto : undefined) ?? step.next;
}

/** The same for an undo; the last failure opens an incident. */
export function answerUndo(draft: Draft, command: CallAnswered): void {
  const { step: name, attempt, result, reissued } = command.data;
  const { compensation } = draft.run;
  const undo = compensation?.undo;
  if (!isUndoing(draft.run) || compensation?.remaining[0] !== name) return;
  if (undo?.status !== 'calling' || undo.attempt !== attempt) return;
  const step = stepOf(draft.definition, name);
  if (!isRequest(step) || !step.undo) return;

  if (result.kind === 'ok' || result.kind === 'oversized') {
    // Nothing reads what an undo answered: that it is done counts, however much it said.
    const said = result.kind === 'ok' ? result.output : null;
    const output = whyTooLarge(draft, { 'the answer': said }) === undefined ? said : null;
    const data = { step: name, attempt, reissued, output, at: draft.at };
    draft.record({ type: 'StepCompensated', data });
    return undone(draft);
  }
  const isEnding = draft.run.status === 'running' && draft.isHalted;
  const failed = failedCall(result, command, step.undo, undo, isEnding);
  draft.record({ type: 'UndoAttemptFailed', data: failed });
  if (isEnding) return settle(draft);
  if (failed.retry_at !== undefined) return;
  const message = describe(result);
  openIncident(draft, 'undo_failed', { step: name, message, attempts: attempt });
}

function failedCall(
  result: Failure,
  command: CallAnswered,
  { retry: policy, rules }: Pick<Call, 'retry' | 'rules'>,
  calls: Calls,
  isLast: boolean,
): FailedCall {
  const { step, attempt, reissued } = command.data;
  const { at, chance } = command;
  const rule = rules.findIndex(({ match }) => isMatched(result, match));
  const governing = rules[rule] ?? policy;
  const retry = retryOf(calls, attempt, rule);
  const retriesMax = calls.maxRetries ?? governing.max_retries;
  const isMeant = rule >= 0 ? governing.max_retries > 0 : isRetriable(result, policy);
  const isRetried = !isLast && retry <= retriesMax && isMeant;
  const { retry_after_ms } = result.kind === 'answer' ? result : {};
  const delayMs = retryDelayMs(governing, retry, chance, retry_after_ms);
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
    ...(rule >= 0 ? { rule } : {}),
    chance,
    at,
  };
}

/** Which retry of its rule a further call would be, from 1; of the policy itself, what no rule governs. */
function retryOf({ spent, byRule }: Calls, attempt: number, rule: number): number {
  if (rule >= 0) return (byRule[rule] ?? 0) + 1;
  const governed = Object.values(byRule).reduce((sum, count) => sum + count, 0);
  return attempt - spent - governed;
}
