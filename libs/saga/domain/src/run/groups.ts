import type { CompiledGroup, CompiledParallel, Target } from '../definition/compiled';
import { groupState, isGroupBusy } from './branches';
import type { Draft } from './draft';
import { beginItems, itemEnded, mapCompleted, openItems } from './map-items';
import { raceJoined, raceWon } from './race';
import { giveUp } from './settle';
import { isInside, type Around, type Spot } from './spot';
import type { Failure } from './state';

/** Where a sequence has come to: at a wait, at its end, or stopped because nothing may begin in it. */
export type Arrival = 'waiting' | 'ended' | 'stopped';

/** Begins the step at `target`, or goes on there, up to the next wait. */
export type Walk = (draft: Draft, target: Target, indices: readonly number[]) => Arrival;

/** @returns Where to go on at once, when no branch has to wait. */
export function enterParallel(
  draft: Draft,
  group: Spot<CompiledParallel>,
  walk: Walk,
): Target | undefined {
  const { address, step } = group;
  const join = step.join === 'all' ? {} : { join: step.join };
  draft.record({
    type: 'ParallelStarted',
    data: { step: address, place: step.place, ...join, ...draft.scopeAt(group), at: draft.at },
  });
  return beginBranches(draft, group, walk);
}

/** Goes on in what was begun before, then begins what may be begun. */
export function resumeGroup(
  draft: Draft,
  group: Spot<CompiledGroup>,
  walk: Walk,
): Target | undefined {
  const { step } = group;
  if (step.type === 'parallel') return beginBranches(draft, { ...group, step }, walk);
  const { failures = new Map<string, Failure>() } = groupState(draft.run, group.address) ?? {};
  // Items that failed during a pause.
  for (const branch of failures.keys()) giveUp(draft, { group, branch });
  for (const index of openItems(draft, { ...group, step })) {
    const arrival = walk(draft, step.first, [...group.indices, index]);
    arrived(draft, { group, branch: String(index) }, arrival);
    if (draft.isStopped(group)) return undefined;
  }
  return gotoOf(joined(draft, group, walk));
}

function beginBranches(
  draft: Draft,
  group: Spot<CompiledParallel>,
  walk: Walk,
): Target | undefined {
  for (const { name: branch, first } of inOrder(draft, group)) {
    // A race may be over before all have begun.
    if (groupState(draft.run, group.address)?.winner !== undefined) break;
    arrived(draft, { group, branch }, walk(draft, first, group.indices));
    if (draft.isStopped(group)) return undefined;
  }
  return gotoOf(joined(draft, group, walk));
}

/** As in the definition; of a race, behind a pause, as they were heard of last: who was done first wins. */
function inOrder(draft: Draft, group: Spot<CompiledParallel>): CompiledParallel['branches'] {
  const { branches, join } = group.step;
  if (join !== 'race' || draft.heard.length === 0) return branches;
  const heardOf = ({ name }: { readonly name: string }): number => {
    const last = draft.heard.findLastIndex((address) =>
      isInside(draft.definition, draft.spotOf(address), group, name),
    );
    return last < 0 ? draft.heard.length : last;
  };
  return branches.toSorted((one, other) => heardOf(one) - heardOf(other));
}

/** What a branch that was just begun has come to. */
function arrived(draft: Draft, around: Around, arrival: Arrival): void {
  if (draft.isStopped(around.group)) return;
  if (arrival === 'ended') branchEnded(draft, around);
  if (arrival === 'stopped') giveUp(draft, around);
}

/** The last step of a branch or an item is done. */
export function branchEnded(draft: Draft, { group, branch }: Around): void {
  const { step } = group;
  if (step.type === 'map') itemEnded(draft, { ...group, step }, Number(branch));
  else if (step.join === 'race') raceWon(draft, { ...group, step }, branch);
}

/** Behind the group when nothing in it has to be waited for any more. */
export function joined(
  draft: Draft,
  group: Spot<CompiledGroup>,
  walk: Walk,
): 'waiting' | 'stopped' | { readonly goto: Target } {
  const { step, address } = group;
  if (step.type === 'map')
    beginItems(draft, { ...group, step }, (item, index) =>
      arrived(draft, { group, branch: String(index) }, walk(draft, step.first, item)),
    );
  const state = groupState(draft.run, address);
  if (!state || draft.isStopped(group)) return 'stopped';
  if (isGroupBusy(draft.definition, draft.run, group, draft.spots())) return 'waiting';
  const hasFailed = state.failures.size > 0 && state.winner === undefined;
  if (hasFailed) return failed(draft, group);
  if (step.type === 'map') mapCompleted(draft, { ...group, step });
  else if (step.join === 'race' && !raceJoined(draft, group)) return 'waiting';
  else draft.record({ type: 'ParallelCompleted', data: { step: address, at: draft.at } });
  return { goto: step.next };
}

function failed(draft: Draft, group: Spot<CompiledGroup>): 'stopped' {
  const [first] = groupState(draft.run, group.address)?.failures.values() ?? [];
  const { reason = '', step: failed_step } = first ?? {};
  draft.record({
    type: 'GroupFailed',
    data: {
      step: group.address,
      reason,
      ...(failed_step === undefined ? {} : { failed_step }),
      ...draft.withinAt(group),
      at: draft.at,
    },
  });
  return 'stopped';
}

export const gotoOf = (next: ReturnType<typeof joined>): Target | undefined =>
  typeof next === 'string' ? undefined : next.goto;
