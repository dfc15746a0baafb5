import type { FieldError } from '@downbeat/eventsourcing';
import { readsOf, writesOf } from './check-data';
import { isRequest, type CompiledParallel, type CompiledStep } from './compiled';

type Steps = ReadonlyMap<string, CompiledStep>;

/** The key of the context under which caught errors stand, by step. */
export const ERRORS = 'errors';

export const isCatching = (steps: Steps): boolean =>
  [...steps.values()].some((step) => isRequest(step) && step.onError.length > 0);

/** Where a step catches, `errors` is not a key like others: it is read by step, and written by none. */
export function checkErrors(steps: Steps, errors: FieldError[]): void {
  if (!isCatching(steps)) return;
  for (const step of steps.values()) {
    for (const { key, field } of writesOf(step))
      if (key === ERRORS) errors.push({ field, message: 'is where caught errors stand' });
    if (step.type === 'map' && step.as === ERRORS)
      errors.push({ field: `${step.path}.as`, message: 'is where caught errors stand' });
    for (const { key, inner, field } of readsOf(step, steps)) {
      const message = key === ERRORS ? faultOf(step, inner, steps) : undefined;
      if (message !== undefined) errors.push({ field, message });
    }
  }
}

function faultOf(step: CompiledStep, name: string | undefined, steps: Steps): string | undefined {
  if (name === undefined) return 'must name the step: errors.<step>';
  const catching = steps.get(name);
  if (!catching || !isRequest(catching) || catching.onError.length === 0)
    return `reads errors.${name}, and there is no step ${name} with on_error`;
  for (const around of steps.values()) {
    if (around.type === 'parallel' && branchOf(around, step) !== branchOf(around, catching))
      if (branchOf(around, step) >= 0 && branchOf(around, catching) >= 0)
        return `reads errors.${name}, which another branch may write meanwhile`;
    // What is collected of an item is read inside of it.
    if (around.type === 'map' && around.inner.has(name) && around !== step)
      if (!around.inner.has(step.name))
        return `reads errors.${name}, which only the items of ${around.name} have, each its own`;
  }
  return undefined;
}

/** The branch of `parallel` that the step stands in; -1 outside. */
const branchOf = (parallel: CompiledParallel, { path }: CompiledStep): number =>
  parallel.branches.findIndex((_, index) => path.startsWith(`${parallel.path}.branches.${index}.`));
