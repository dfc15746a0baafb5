import type { AlertMetric, Measurable, Measured } from '@downbeat/observability-domain';

/** Numbers of what is on a page: there may be more of each. */
const COUNTED: ReadonlySet<AlertMetric> = new Set([
  'dead_letters',
  'incidents_open',
  'runs_overdue',
]);

const keyOf = ({ metric, subject }: Measurable): string => `${metric} ${subject}`;

/** What a page had no room for is not known, and neither is how many there are of what it counts. */
export function cutShort(measured: Measured, isCut: boolean): Measured {
  if (!isCut) return measured;
  const { samples, metrics } = measured;
  const shown = new Set(samples.filter(({ metric }) => !COUNTED.has(metric)).map(keyOf));
  return { ...measured, isUncertain: (of) => metrics.has(of.metric) && !shown.has(keyOf(of)) };
}
