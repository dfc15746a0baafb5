import { isRequest, nameOf, stepOf, type CompiledDefinition } from '../definition/compiled';
import type { CompensationStrategy } from './events';
import type { Effected, Run } from './state';

export interface PlanOptions {
  /** With the strategy `custom`; without them, the definition's. */
  readonly customSteps?: readonly string[] | undefined;
  /** With the strategy `partial`: one that was passed; without it, the newest one passed. */
  readonly savepoint?: string | undefined;
}

/** The steps to undo, in the order of the undoing: newest first. */
export function planOf(
  definition: CompiledDefinition,
  run: Run,
  strategy: CompensationStrategy,
  { customSteps = definition.customSteps, savepoint }: PlanOptions = {},
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
      const groups =
        definition.savepoints.size > 0
          ? groupsBehindSavepoint(definition, run, savepointOf(definition, run, { savepoint }))
          : groupsBehindPointOfNoReturn(definition, run);
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

/** The savepoint that was named, or the newest one that the run has passed; none when it passed none. */
export function savepointOf(
  definition: CompiledDefinition,
  run: Run,
  { savepoint }: PlanOptions,
): string | undefined {
  if (savepoint !== undefined) return savepoint;
  const newest = outermost(definition, run).findLast((name) =>
    isSavepointPassed(definition, run, name),
  );
  return newest === undefined ? undefined : stepOf(definition, newest).savepoint;
}

/** Whether the run went on behind this step, and a savepoint stands there. */
export function isSavepointPassed(definition: CompiledDefinition, run: Run, name: string): boolean {
  const state = run.steps.get(name);
  const isPassed = state?.status === 'passed' || (state?.status === 'failed' && state.isOptional);
  return isPassed && stepOf(definition, name).savepoint !== undefined;
}

/** Steps of the outermost sequence in the order in which they were reached. */
const outermost = (definition: CompiledDefinition, run: Run): readonly string[] =>
  [...run.steps.keys()].filter((name) => stepOf(definition, name).group === name);

/** All of them when there is no savepoint to go back to. */
function groupsBehindSavepoint(
  definition: CompiledDefinition,
  run: Run,
  savepoint: string | undefined,
): ReadonlySet<string> {
  const reached = outermost(definition, run);
  const last = reached.findLastIndex((name) => stepOf(definition, name).savepoint === savepoint);
  return new Set(savepoint === undefined ? reached : reached.slice(last + 1));
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
