import type { DatedMinute, RecordedTransition, Stretch } from '@downbeat/health-domain';

/** A call at the place where it is taken to have been. */
export interface LaidOutCall {
  readonly atMs: number;
  readonly isGood: boolean;
  readonly isSlow: boolean;
}

/** The calls that opened a breaker are taken to have come within so long before. */
const BURST_MS = 1_000;

/** What the record does not say of the calls of a minute, and what is taken for it. */
export const ASSUMPTIONS = [
  'Calls are recorded by the minute: within one they are laid out evenly over the time in which no recorded breaker was open.',
  'The calls that opened a recorded breaker are taken to have come within the second before it opened, its failures last.',
  'Failures of a minute come as its longest row of failures, and the others evenly.',
  'A call is as slow as it was by the settings it was made under.',
  'Calls that the recorded breaker kept away are not known: they are not replayed, and might have failed or not.',
  'One breaker sees the calls of all processes; in fact each decides for itself.',
] as const;

/**
 * Every recorded call of a minute at a place in it, oldest first.
 *
 * @param transitions Of any time. @param open When a recorded breaker was open.
 */
export function laidOut(
  minute: DatedMinute,
  transitions: readonly RecordedTransition[],
  open: readonly Stretch[],
): readonly LaidOutCall[] {
  const whole: Stretch = { fromMs: minute.fromMs, toMs: minute.fromMs + minute.seconds * 1_000 };
  const places: { atMs: number; isGood: boolean }[] = [];
  let { calls, failures } = minute;
  let hasTripped = false;
  for (const { at, cause } of transitions) {
    const atMs = Date.parse(at);
    if (cause.kind !== 'tripped' || atMs < whole.fromMs || atMs >= whole.toMs) continue;
    // Its window may have begun minutes before: no more than this minute has.
    const bad = Math.min(cause.evidence.failures, failures);
    const good = Math.min(cause.evidence.calls - cause.evidence.failures, calls - failures);
    const all = bad + Math.max(0, good);
    const from = Math.max(whole.fromMs, atMs - BURST_MS);
    places.push(...spread(all, inARow(all, bad), [{ fromMs: from, toMs: atMs }]));
    calls -= all;
    failures -= bad;
    hasTripped = true;
  }
  const free = without(whole, open);
  const row = hasTripped ? 0 : Math.min(minute.in_a_row, failures);
  places.push(...spread(calls, rowThenEvenly(calls, failures, row), free));
  return places
    .sort((one, other) => one.atMs - other.atMs)
    .map((place, index, { length }) => ({ ...place, isSlow: isOneOf(index, minute.slow, length) }));
}

type IsBad = (index: number) => boolean;

/** The failures last. */
const inARow =
  (all: number, bad: number): IsBad =>
  (index) =>
    index >= all - bad;

/** Of `all`, `row` failures first and then the rest of them evenly. */
const rowThenEvenly =
  (all: number, bad: number, row: number): IsBad =>
  (index) =>
    index < row || isOneOf(index - row, bad - row, all - row);

/** Whether this is one of `some` that lie evenly among `all`. */
const isOneOf = (index: number, some: number, all: number): boolean =>
  all > 0 && Math.floor(((index + 1) * some) / all) > Math.floor((index * some) / all);

/** So many calls evenly over these stretches. */
function spread(count: number, isBad: IsBad, over: readonly Stretch[]) {
  const lengthMs = over.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  const places: { atMs: number; isGood: boolean }[] = [];
  let [at, beforeMs] = [0, 0];
  for (let index = 0; index < count; index++) {
    const offsetMs = ((index + 0.5) * lengthMs) / count;
    for (let one = over[at]; one && at < over.length - 1; one = over[at]) {
      if (offsetMs < beforeMs + one.toMs - one.fromMs) break;
      beforeMs += one.toMs - one.fromMs;
      at++;
    }
    places.push({ atMs: (over[at]?.fromMs ?? 0) + offsetMs - beforeMs, isGood: !isBad(index) });
  }
  return places;
}

/** What is left of a stretch; all of it when nothing would be: calls were made, so somebody let them. */
function without(whole: Stretch, taken: readonly Stretch[]): readonly Stretch[] {
  const left: Stretch[] = [];
  let { fromMs } = whole;
  for (const { fromMs: begin, toMs: end } of taken) {
    if (end <= fromMs || begin >= whole.toMs) continue;
    if (begin > fromMs) left.push({ fromMs, toMs: begin });
    fromMs = Math.max(fromMs, end);
  }
  if (fromMs < whole.toMs) left.push({ fromMs, toMs: whole.toMs });
  return left.length === 0 ? [whole] : left;
}
