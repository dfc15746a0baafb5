import type { AlertMetric } from './words';
import type { Measured, Sample } from './sample';

/** Longer than any rule looks back. */
const KEPT_MS = 3_660_000;
const SERIES_MAX = 5_000;
/** Older points get coarser: two as near as this are one. */
const POINT_EVERY_MS = 5_000;

interface Point {
  readonly atMs: number;
  readonly value: number;
}

/** Of what is not there, there is none: it grows from zero when it comes. */
const ABSENT_IS_ZERO: ReadonlySet<AlertMetric> = new Set([
  'dead_letters',
  'incidents_open',
  'queue_messages',
  'runs_overdue',
  'critical_dependents',
]);

export interface History {
  readonly series: ReadonlyMap<string, readonly Point[]>;
  /** When each metric was measured last. */
  readonly measuredMs: ReadonlyMap<AlertMetric, number>;
}

export const noHistory: History = { series: new Map(), measuredMs: new Map() };

const keyOf = ({ metric, subject }: Pick<Sample, 'metric' | 'subject'>): string =>
  `${metric} ${subject}`;

/** What is needed to tell growth, after one more measurement. Bounded in time and number. */
export function remembered(
  { series, measuredMs }: History,
  { samples, metrics }: Measured,
  nowMs: number,
  isNeeded: (metric: AlertMetric) => boolean,
): History {
  const next = new Map<string, readonly Point[]>();
  for (const [key, points] of series) {
    const kept = points.filter(({ atMs }) => atMs > nowMs - KEPT_MS);
    if (kept.length > 0) next.set(key, kept);
  }
  for (const sample of samples) {
    if (!isNeeded(sample.metric)) continue;
    const key = keyOf(sample);
    const before = next.get(key) ?? beginning(sample.metric, measuredMs);
    if (before.length === 0 && next.size >= SERIES_MAX) continue;
    next.set(key, withPoint(before, { atMs: nowMs, value: sample.value }));
  }
  const measured = new Map(measuredMs);
  for (const metric of metrics) measured.set(metric, nowMs);
  return { series: next, measuredMs: measured };
}

function beginning(
  metric: AlertMetric,
  measuredMs: ReadonlyMap<AlertMetric, number>,
): readonly Point[] {
  const atMs = measuredMs.get(metric);
  return atMs !== undefined && ABSENT_IS_ZERO.has(metric) ? [{ atMs, value: 0 }] : [];
}

function withPoint(points: readonly Point[], point: Point): readonly Point[] {
  const [last, before] = [points.at(-1), points.at(-2)];
  const isNear = last && before && point.atMs - before.atMs < POINT_EVERY_MS;
  // A fall between the two would be lost: then both stay.
  const isRise = last && before && last.value >= before.value && point.value >= last.value;
  return isNear && isRise ? [...points.slice(0, -1), point] : [...points, point];
}

/** How much it grew: what it fell in between, as a counter does that begins anew, is no loss. */
export function growthOf(
  { series }: History,
  sample: Sample,
  overMs: number,
  nowMs: number,
): number {
  const points = series.get(keyOf(sample)) ?? [];
  const first = points.findLastIndex(({ atMs }) => atMs <= nowMs - overMs);
  const within = points.slice(Math.max(first, 0));
  return within.reduce((sum, { value }, at) => {
    const before = within[at - 1]?.value;
    if (before === undefined) return 0;
    return sum + (value >= before ? value - before : isCounter(sample.metric) ? value : 0);
  }, 0);
}

/** Whether it was looked at for as long: before, it may have grown by more than was seen. */
export function isCovered(
  { series }: History,
  sample: Sample,
  overMs: number,
  nowMs: number,
): boolean {
  const first = series.get(keyOf(sample))?.[0];
  // There is room for no more: nobody will ever have looked for longer.
  return first === undefined || first.atMs <= nowMs - overMs;
}

const isCounter = (metric: AlertMetric): boolean => metric.endsWith('_total');
