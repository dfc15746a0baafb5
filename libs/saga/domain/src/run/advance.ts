import { epochMs, instantOf } from '@downbeat/eventsourcing';
import {
  END,
  isGroup,
  type CompiledDecision,
  type CompiledDelay,
  type CompiledGroup,
  type CompiledRequest,
  type Target,
} from '../definition/compiled';
import { shownInput, type Expression } from '../expressions/cel';
import { applyMapping } from '../expressions/mapping';
import type { Scope } from '../expressions/scope';
import { cancelledAround } from './branches';
import { callAgain } from './call-again';
import { whyNoChild } from './child-limits';
import type { Draft } from './draft';
import { branchEnded, enterParallel, gotoOf, joined, resumeGroup, type Arrival } from './groups';
import { startMap } from './map-items';
import { neverCalled } from './never-called';
import { whyTooLarge } from './payload-limits';
import { enterPublish } from './publish';
import { giveUp, settle } from './settle';
import { enterSignalWait, takeKept } from './signal-wait';
import { aroundOf, spotAt, type Around, type Spot } from './spot';
import type { StepState } from './state';

/**
 * Begins the step at `target` and whatever follows it, up to the next wait. In a retried or resumed
 * run it first passes what is done; what had failed before a retry is begun again.
 */
export function walk(draft: Draft, target: Target, indices: readonly number[] = []): Arrival {
  let here: Target | undefined = target;
  while (here !== END) {
    const spot = spotAt(draft.definition, here, indices);
    // A branch may have failed during a pause.
    if (draft.isStopped(spot)) return 'stopped';
    const state = draft.run.steps.get(spot.address);
    here = state ? resume(draft, spot, state) : enter(draft, spot);
    if (draft.isStopped(spot)) return 'stopped';
    if (here === undefined) return 'waiting';
  }
  return 'ended';
}

/** @returns Where to go on behind a step that was begun before; nothing when it has to wait. */
function resume(draft: Draft, spot: Spot, state: StepState): Target | undefined {
  const { step, address } = spot;
  switch (state.status) {
    case 'passed':
      return state.goto ?? step.next;
    case 'abandoned':
      return enter(draft, spot);
    case 'failed':
      if (state.isOptional) return state.goto ?? step.next;
      return state.attempt === 0 ? enter(draft, spot) : callAgain(draft, spot, state);
    case 'branching':
      return isGroup(step) ? resumeGroup(draft, { ...spot, step }, walk) : step.next;
    case 'awaiting':
      return step.type === 'wait_for_signal' && draft.heard.includes(address)
        ? takeKept(draft, spot, step)
        : undefined;
    case 'calling':
    case 'waiting':
    case 'delaying':
      return undefined;
  }
}

/**
 * Goes on at `target` behind the step, unless the run is paused; at the end of a branch, behind the
 * step around it.
 */
export function goOn(draft: Draft, spot: Spot, target: Target = spot.step.next): void {
  if (draft.run.pause) return;
  const reached = draft.isStopped(spot) ? 'stopped' : walk(draft, target, spot.indices);
  finish(draft, reached, aroundOf(draft.definition, spot));
}

/** What follows from where the sequence in this branch, or the outermost one, has come to. */
export function finish(draft: Draft, arrival: Arrival, around: Around | undefined): void {
  let here: Standpoint = { reached: arrival, around };
  for (;;) {
    if (draft.isHalted) return settle(draft);
    if (here.reached === 'waiting') return;
    if (!here.around) return draft.record({ type: 'WorkflowCompleted', data: { at: draft.at } });
    if (here.reached === 'ended') {
      branchEnded(draft, here.around);
      here = behind(draft, here.around.group);
    } else here = behind(draft, cancelled(draft, here.around).group);
  }
}

/** Looks again whether it is to be gone on behind a group. */
export function rejoin(draft: Draft, group: Spot<CompiledGroup>): void {
  const { reached, around } = behind(draft, group);
  finish(draft, reached, around);
}

interface Standpoint {
  readonly reached: Arrival;
  readonly around: Around | undefined;
}

function behind(draft: Draft, group: Spot<CompiledGroup>): Standpoint {
  const next = draft.isHalted ? 'stopped' : joined(draft, group, walk);
  const reached = typeof next === 'string' ? next : walk(draft, next.goto, group.indices);
  return { reached, around: aroundOf(draft.definition, group) };
}

/** The branch in which nothing begins any more, the outermost if there are several; its waits are given up. */
function cancelled(draft: Draft, around: Around): Around {
  const outermost = cancelledAround(draft.definition, draft.run, around.group) ?? around;
  giveUp(draft, outermost);
  return outermost;
}

/** @returns Where to go on at once; nothing when the step has to wait or nothing may begin any more. */
function enter(draft: Draft, spot: Spot): Target | undefined {
  const { step, address } = spot;
  if (step.condition) {
    const scope = { context: draft.contextAt(spot) };
    const verdict = isTrue(step.condition, scope);
    if (typeof verdict === 'string') return neverCalled(draft, spot, `conditions: ${verdict}`);
    if (!verdict) {
      const input = shownInput(step.condition, scope);
      const { place, next: goto } = step;
      draft.record({
        type: 'StepSkipped',
        data: { step: address, place, reason: 'condition', input, goto, at: draft.at },
      });
      return goto;
    }
  }
  switch (step.type) {
    case 'service_call':
    case 'sub_workflow':
      return enterCall(draft, spot, step);
    case 'decision':
      return enterDecision(draft, spot, step);
    case 'delay':
      return enterDelay(draft, spot, step);
    case 'wait_for_signal':
      return enterSignalWait(draft, spot, step);
    case 'publish':
      return enterPublish(draft, spot, step);
    case 'parallel':
      return enterParallel(draft, { ...spot, step }, walk);
    case 'map': {
      const map = { ...spot, step };
      return startMap(draft, map) ? gotoOf(joined(draft, map, walk)) : undefined;
    }
  }
}

function enterCall(draft: Draft, spot: Spot, step: CompiledRequest): Target | undefined {
  const { call, place } = step;
  const input = applyMapping(call.input, { context: draft.contextAt(spot) });
  if (!input.ok) return neverCalled(draft, spot, `input_mapping: ${input.message}`);
  const refusal =
    whyTooLarge(draft, { input_mapping: input.value }) ??
    (step.type === 'sub_workflow' ? whyNoChild(draft.run, input.value) : undefined);
  if (refusal !== undefined) return neverCalled(draft, spot, refusal);
  draft.record({
    type: 'StepStarted',
    data: { step: spot.address, place, input: input.value, attempt: 1, at: draft.at },
  });
  return undefined;
}

function enterDecision(draft: Draft, spot: Spot, step: CompiledDecision): Target | undefined {
  const scope: Scope = { context: draft.contextAt(spot) };
  const { place, otherwise } = step;
  let input = {};
  for (const [index, { when, goto }] of step.cases.entries()) {
    const verdict = isTrue(when, scope);
    if (typeof verdict === 'string') return neverCalled(draft, spot, `case ${index}: ${verdict}`);
    input = { ...input, ...shownInput(when, scope) };
    if (!verdict) continue;
    const taken = { case: index, when: when.source, goto };
    draft.record({
      type: 'DecisionTaken',
      data: { step: spot.address, place, ...taken, input, at: draft.at },
    });
    return goto;
  }
  draft.record({
    type: 'DecisionTaken',
    data: { step: spot.address, place, goto: otherwise, input, at: draft.at },
  });
  return otherwise;
}

function enterDelay(
  draft: Draft,
  { address }: Spot,
  { place, delayMs, next }: CompiledDelay,
): Target | undefined {
  const until = instantOf(epochMs(draft.at) + delayMs);
  draft.record({ type: 'DelayStarted', data: { step: address, place, until, at: draft.at } });
  if (delayMs > 0) return undefined;
  draft.record({ type: 'DelayElapsed', data: { step: address, at: draft.at } });
  return next;
}

function isTrue(expression: Expression, scope: Scope): boolean | string {
  const result = expression.evaluate(scope);
  if (!result.ok) return result.message;
  return typeof result.value === 'boolean' ? result.value : 'must give true or false';
}
