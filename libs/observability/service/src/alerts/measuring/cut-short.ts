import type { AlertMetric, Measurable, Measured } from '@downbeat/observability-domain';

/** Numbers of what is on a page: there may be more of each. */
const COUNTED: ReadonlySet<AlertMetric> = new Set([
  'dead_letters',
  'incidents_open',
  'runs_overdue',
]);

const keyOf = ({ metric, subject }: Measurable): string => `${metric} ${subject}`;

/** What a page had no room for is not known, and neither is how many there are of what it counts. */
export const cutShort = (measured: Measured, isCut: boolean): Measured =>
  isCut ? withoutSome(measured, () => true) : measured;

/** The same, where only something of these subjects may have been left out. */
export const cutShortOf = (measured: Measured, subjects: ReadonlySet<string>): Measured =>
  subjects.size > 0 ? withoutSome(measured, (subject) => subjects.has(subject)) : measured;

function withoutSome(measured: Measured, mayBeAbout: (subject: string) => boolean): Measured {
  const { samples, metrics, isUncertain } = measured;
  const shown = new Set(samples.filter(({ metric }) => !COUNTED.has(metric)).map(keyOf));
  const isLeftOut = (of: Measurable): boolean =>
    metrics.has(of.metric) && mayBeAbout(of.subject) && !shown.has(keyOf(of));
  return { ...measured, isUncertain: (of) => isLeftOut(of) || (isUncertain?.(of) ?? false) };
}
