import type { CompiledDefinition } from '../definition/compiled';
import { allAround, isInside, type Around, type Spot } from './spot';
import { isUnderWay, type GroupState, type Run } from './state';

/** The state of a parallel or map step that was begun and is not done. */
export function groupState(run: Run, address: string): GroupState | undefined {
  const state = run.steps.get(address);
  return state?.status === 'branching' ? state : undefined;
}

/** The branch that a failure of the step stays in; undefined: the run halts. */
export const containing = (definition: CompiledDefinition, spot: Spot): Around | undefined =>
  allAround(definition, spot).find(({ group }) => group.step.join !== 'all');

/** The same, as an event says it. */
export function withinOf(definition: CompiledDefinition, spot: Spot) {
  const around = containing(definition, spot);
  return around ? { within: { step: around.group.address, branch: around.branch } } : {};
}

/** The outermost branch around a step that failed or lost: nothing begins in it any more. */
export const cancelledAround = (
  definition: CompiledDefinition,
  run: Run,
  spot: Spot,
): Around | undefined => allAround(definition, spot).findLast((around) => isCancelled(run, around));

export function isCancelled(run: Run, { group, branch }: Around): boolean {
  const state = groupState(run, group.address);
  if (!state) return false;
  return state.failures.has(branch) || (state.winner !== undefined && state.winner !== branch);
}

/** Whether something is going on in a group; in its cancelled branches only calls count. */
export function isGroupBusy(
  definition: CompiledDefinition,
  run: Run,
  group: Spot,
  spots: Iterable<Spot>,
): boolean {
  for (const spot of spots) {
    const state = run.steps.get(spot.address);
    if (!isUnderWay(state) || !isInside(definition, spot, group)) continue;
    if (state?.status === 'calling' || !cancelledAround(definition, run, spot)) return true;
  }
  return false;
}
