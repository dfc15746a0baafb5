import type { FieldError } from '@downbeat/eventsourcing';
import { targetsOf } from './check-data';
import { END, type CompiledStep, type Target } from './compiled';

type Steps = ReadonlyMap<string, CompiledStep>;

/** On at least one way through a definition its delays must fit into its time-out. */
export function checkShortestWay(
  first: Target,
  steps: Steps,
  timeoutMs: number,
  errors: FieldError[],
): void {
  const leastMs = leastFrom(first, steps, new Map());
  if (leastMs < timeoutMs) return;
  errors.push({
    field: 'timeout_minutes',
    message: `gives ${timeoutMs / 1_000} s, and on every way through the delays take at least ${leastMs / 1_000} s`,
  });
}

/** The delays from a step to the end of its sequence, in ms; what may be skipped or empty counts nothing. */
function leastFrom(target: Target, steps: Steps, known: Map<Target, number>): number {
  const step = target === END ? undefined : steps.get(target);
  if (!step) return 0;
  const before = known.get(target);
  if (before !== undefined) return before;
  const behind = targetsOf(step).map((next) => leastFrom(next, steps, known));
  const leastMs = leastIn(step, steps, known) + Math.min(...behind);
  known.set(target, leastMs);
  return leastMs;
}

function leastIn(step: CompiledStep, steps: Steps, known: Map<Target, number>): number {
  if (step.condition) return 0;
  if (step.type === 'delay') return step.delayMs;
  if (step.type !== 'parallel') return 0;
  const branches = step.branches.map(({ first }) => leastFrom(first, steps, known));
  return step.join === 'race' ? Math.min(...branches) : Math.max(...branches);
}
