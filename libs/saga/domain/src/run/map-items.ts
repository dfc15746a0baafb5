import type { Json } from '@downbeat/eventsourcing';
import type { CompiledMap } from '../definition/compiled';
import { applyMapping } from '../expressions/mapping';
import { groupState } from './branches';
import type { Draft } from './draft';
import { neverCalled } from './never-called';
import { whyTooLarge } from './payload-limits';
import { contextIn, scopeId } from './scopes';
import type { Spot } from './spot';

/** @returns False when there is no list to begin with: the step has failed. */
export function startMap(draft: Draft, map: Spot<CompiledMap>): boolean {
  const { step, address } = map;
  const found = applyMapping(step.items, { context: draft.contextAt(map) });
  const items = found.ok ? found.value['items'] : undefined;
  const refusal = found.ok ? whyNot(items, step.itemsMax) : found.message;
  if (refusal !== undefined || !Array.isArray(items)) {
    neverCalled(draft, map, `items: ${refusal ?? 'is no list'}`);
    return false;
  }
  // Each is recorded once more when it is begun.
  const tooLarge = whyTooLarge(draft, { items, 'each of them': items });
  if (tooLarge !== undefined) {
    neverCalled(draft, map, tooLarge);
    return false;
  }
  draft.record({
    type: 'MapStarted',
    data: { step: address, place: step.place, items, ...draft.scopeAt(map), at: draft.at },
  });
  return true;
}

function whyNot(items: Json | undefined, itemsMax: number): string | undefined {
  if (!Array.isArray(items)) return 'is no list';
  if (items.length <= itemsMax) return undefined;
  return `has ${items.length} items, at most ${itemsMax} are allowed`;
}

/** Items that were begun and are neither done nor failed. */
export function openItems(draft: Draft, { address }: Spot<CompiledMap>): readonly number[] {
  const state = groupState(draft.run, address);
  if (!state) return [];
  const { begun, again, results, failures } = state;
  const isOpen = (index: number) =>
    !results.has(index) && !again.has(index) && !failures.has(String(index));
  return Array.from({ length: begun }, (_, index) => index).filter(isOpen);
}

/** Begins items in their order, those again first that had failed; as many as may be under way. */
export function beginItems(
  draft: Draft,
  map: Spot<CompiledMap>,
  begin: (indices: readonly number[], index: number) => void,
): void {
  const { step, address, indices } = map;
  for (;;) {
    const state = groupState(draft.run, address);
    if (!state || draft.isStopped(map)) return;
    const { items = [], begun, again, results, failures } = state;
    const open = begun - results.size - failures.size - again.size;
    const [index = begun] = again;
    if (index >= items.length || open >= step.concurrency) return;
    const context = { [step.as]: items[index] ?? null };
    draft.record({ type: 'MapItemStarted', data: { step: address, index, context, at: draft.at } });
    begin([...indices, index], index);
  }
}

export function itemEnded(draft: Draft, map: Spot<CompiledMap>, index: number): void {
  const { step, address } = map;
  const context = contextIn(draft.run, scopeId(address, String(index)));
  const result = applyMapping(step.collect, { context });
  const refusal = result.ok ? whyTooLarge(draft, { it: result.value }) : result.message;
  if (result.ok && refusal === undefined)
    return draft.record({
      type: 'MapItemCompleted',
      data: { step: address, index, result: result.value, at: draft.at },
    });
  const message = `collect: ${refusal}`;
  const isContained = step.join === 'settle';
  const within = isContained ? { step: address, branch: String(index) } : undefined;
  draft.record({
    type: 'MapItemFailed',
    data: {
      step: address,
      index,
      message,
      ...(within ? { within } : draft.withinAt(map)),
      at: draft.at,
    },
  });
}

/** All items are done: what was collected, in their order. */
export function mapCompleted(draft: Draft, map: Spot<CompiledMap>): void {
  const { step, address } = map;
  const { items = [], results } = groupState(draft.run, address) ?? {};
  const context: Record<string, Json> = {};
  for (const { key } of step.collect.fields)
    context[key] = items.map((_, index) => results?.get(index)?.[key] ?? null);
  draft.record({
    type: 'MapCompleted',
    data: { step: address, context, ...draft.scopeAt(map), at: draft.at },
  });
}
