import { isRequest, nameOf, stepOf, type CompiledDefinition } from '../definition/compiled';
import type { CompensationStrategy } from './events';
import type { Effected, Run } from './state';

/** The steps to undo, in the order of the undoing: newest first. */
export function planOf(
  definition: CompiledDefinition,
  run: Run,
  strategy: CompensationStrategy,
  customSteps: readonly string[] = [],
): readonly string[] {
  const undoable = standingSteps(definition, run).toReversed();
  switch (strategy) {
    case 'all':
      return undoable;
    case 'none':
      return [];
    case 'custom':
      return undoable.filter((step) => customSteps.includes(nameOf(step)));
    case 'partial': {
      const groups = groupsBehindPointOfNoReturn(definition, run);
      return undoable.filter((step) => groups.has(stepOf(definition, step).group));
    }
  }
}

/** Steps with an effect that stands, or may, and can be undone; oldest first. */
export function standingSteps(definition: CompiledDefinition, run: Run): readonly string[] {
  return run.effects.map(({ step }) => step).filter((step) => isUndoable(definition, step));
}

export function isUndoable(definition: CompiledDefinition, name: string): boolean {
  const step = stepOf(definition, name);
  return isRequest(step) && step.undo !== undefined;
}

/** The steps of the outermost sequence, newest first, up to the first that cannot be taken back. */
function groupsBehindPointOfNoReturn(
  definition: CompiledDefinition,
  run: Run,
): ReadonlySet<string> {
  const effects = new Map<string, Effected[]>();
  for (const effect of run.effects.toReversed()) {
    const { group } = stepOf(definition, effect.step);
    effects.set(group, [...(effects.get(group) ?? []), effect]);
  }
  const behind = new Set<string>();
  for (const [group, inner] of effects) {
    // A parallel group that was interrupted is taken back whole.
    const isInterrupted = run.steps.get(group)?.status === 'branching';
    if (!isInterrupted && inner.some((effect) => isPointOfNoReturn(definition, effect))) break;
    behind.add(group);
  }
  return behind;
}

function isPointOfNoReturn(definition: CompiledDefinition, effect: Effected): boolean {
  const step = stepOf(definition, effect.step);
  if (effect.outcome === 'unknown' || step.type !== 'service_call') return false;
  return step.undo === undefined && step.call.method !== 'GET';
}
