import type { Stretch } from '@downbeat/health-domain';
import type { Course } from './what-if';

/** Where one was closed and the other not, for longer than the record can tell apart. */
export function firstDifference(
  { recorded, simulated }: Pick<Course, 'recorded' | 'simulated'>,
  resolutionMs: number,
): { readonly atMs: number; readonly recorded: boolean; readonly simulated: boolean } | undefined {
  const edges = [...recorded, ...simulated].flatMap(({ fromMs, toMs }) => [fromMs, toMs]);
  const moments = [...new Set(edges)].sort((one, other) => one - other);
  let since: number | undefined;
  for (const [index, atMs] of moments.entries()) {
    const nextMs = moments[index + 1] ?? atMs;
    const states = { recorded: isIn(recorded, atMs), simulated: isIn(simulated, atMs) };
    if (states.recorded === states.simulated) {
      since = undefined;
      continue;
    }
    since ??= atMs;
    if (nextMs - since > resolutionMs) return { atMs: since, ...states };
  }
  return undefined;
}

const isIn = (stretches: readonly Stretch[], atMs: number): boolean =>
  stretches.some(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs);
