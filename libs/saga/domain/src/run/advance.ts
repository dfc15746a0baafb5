import { epochMs, instantOf } from '@downbeat/eventsourcing';
import {
  END,
  stepOf,
  type CompiledCall,
  type CompiledDecision,
  type CompiledDelay,
  type CompiledParallel,
  type CompiledStep,
  type Target,
} from '../definition/compiled';
import { shownInput, type Expression } from '../expressions/cel';
import { applyMapping } from '../expressions/mapping';
import type { Scope } from '../expressions/scope';
import { caughtBy } from './caught';
import type { Draft } from './draft';
import type { StepFailed } from './events';
import { settle } from './settle';

/** Where a sequence has come to: at a wait, at its end, or stopped because the run is halted. */
export type Arrival = 'waiting' | 'ended' | 'halted';

/** Begins the step at `target` and whatever follows it, up to the next wait. */
export function walk(draft: Draft, target: Target): Arrival {
  let here: Target | undefined = target;
  while (here !== END) {
    here = enter(draft, stepOf(draft.definition, here));
    if (draft.isHalted) return 'halted';
    if (here === undefined) return 'waiting';
  }
  return 'ended';
}

/** Goes on at `target` behind `step`, unless the run is paused; at the end of a branch, behind the parallel step around it. */
export function goOn(draft: Draft, step: CompiledStep, target: Target = step.next): void {
  if (draft.run.pause) return;
  if (draft.isHalted) return settle(draft);
  finish(draft, walk(draft, target), step.parent);
}

/** What follows from having come to the end of the sequence inside `parent`, or of the whole run. */
export function finish(draft: Draft, arrival: Arrival, parent: string | undefined): void {
  let reached = arrival;
  let around = parent;
  while (reached === 'ended' && around !== undefined) {
    const parallel = stepOf(draft.definition, around);
    if (parallel.type !== 'parallel' || draft.isAnyUnderWay(parallel.inner)) return;
    draft.record({ type: 'ParallelCompleted', data: { step: parallel.name, at: draft.at } });
    reached = walk(draft, parallel.next);
    around = parallel.parent;
  }
  switch (reached) {
    case 'waiting':
      return;
    case 'halted':
      return settle(draft);
    case 'ended':
      draft.record({ type: 'WorkflowCompleted', data: { at: draft.at } });
  }
}

/** @returns Where to go on at once; nothing when the step has to wait or the run is halted. */
function enter(draft: Draft, step: CompiledStep): Target | undefined {
  const { name, place, next, condition } = step;
  if (condition) {
    const scope = { context: draft.run.context };
    const verdict = isTrue(condition, scope);
    if (typeof verdict === 'string') return neverCalled(draft, step, `conditions: ${verdict}`);
    if (!verdict) {
      const input = shownInput(condition, scope);
      draft.record({
        type: 'StepSkipped',
        data: { step: name, place, reason: 'condition', input, goto: next, at: draft.at },
      });
      return next;
    }
  }
  switch (step.type) {
    case 'service_call':
      return enterCall(draft, step);
    case 'decision':
      return enterDecision(draft, step);
    case 'delay':
      return enterDelay(draft, step);
    case 'parallel':
      return enterParallel(draft, step);
  }
}

function enterCall(draft: Draft, step: CompiledCall): Target | undefined {
  const input = applyMapping(step.call.input, { context: draft.run.context });
  if (!input.ok) return neverCalled(draft, step, `input_mapping: ${input.message}`);
  const { name, place } = step;
  draft.record({
    type: 'StepStarted',
    data: { step: name, place, input: input.value, attempt: 1, at: draft.at },
  });
  return undefined;
}

function enterDecision(draft: Draft, step: CompiledDecision): Target | undefined {
  const scope: Scope = { context: draft.run.context };
  let input = {};
  for (const [index, { when, goto }] of step.cases.entries()) {
    const verdict = isTrue(when, scope);
    if (typeof verdict === 'string') return neverCalled(draft, step, `case ${index}: ${verdict}`);
    input = { ...input, ...shownInput(when, scope) };
    if (!verdict) continue;
    const { name, place } = step;
    draft.record({
      type: 'DecisionTaken',
      data: { step: name, place, case: index, when: when.source, goto, input, at: draft.at },
    });
    return goto;
  }
  const { name, place, otherwise } = step;
  draft.record({
    type: 'DecisionTaken',
    data: { step: name, place, goto: otherwise, input, at: draft.at },
  });
  return otherwise;
}

function enterDelay(draft: Draft, step: CompiledDelay): Target | undefined {
  const { name, place, delayMs } = step;
  const until = instantOf(epochMs(draft.at) + delayMs);
  draft.record({ type: 'DelayStarted', data: { step: name, place, until, at: draft.at } });
  if (delayMs > 0) return undefined;
  draft.record({ type: 'DelayElapsed', data: { step: name, at: draft.at } });
  return step.next;
}

function enterParallel(draft: Draft, step: CompiledParallel): Target | undefined {
  const { name, place } = step;
  draft.record({ type: 'ParallelStarted', data: { step: name, place, at: draft.at } });
  for (const branch of step.branches) if (walk(draft, branch.first) === 'halted') return undefined;
  return joined(draft, step);
}

/** Behind the parallel step when none of its branches has to wait any more. */
export function joined(draft: Draft, step: CompiledParallel): Target | undefined {
  if (draft.isAnyUnderWay(step.inner)) return undefined;
  draft.record({ type: 'ParallelCompleted', data: { step: step.name, at: draft.at } });
  return step.next;
}

/** A step that could not be begun failed for sure. */
export function neverCalled(draft: Draft, step: CompiledStep, message: string): Target | undefined {
  const { name, place } = step;
  const optional = step.type === 'service_call' && step.isOptional;
  const before = draft.run.steps.get(name);
  const attempts = before && 'attempt' in before ? before.attempt : 0;
  const caught: Pick<StepFailed['data'], 'caught'> =
    step.type === 'service_call' ? caughtBy(step, { outcome: 'failed', message, attempts }) : {};
  draft.record({
    type: 'StepFailed',
    data: {
      step: name,
      place,
      outcome: 'failed',
      optional,
      message,
      attempts,
      ...caught,
      at: draft.at,
    },
  });
  return caught.caught?.goto ?? (optional ? step.next : undefined);
}

function isTrue(expression: Expression, scope: Scope): boolean | string {
  const result = expression.evaluate(scope);
  if (!result.ok) return result.message;
  return typeof result.value === 'boolean' ? result.value : 'must give true or false';
}
