import type { DataOf, observabilityContract } from '@downbeat/contracts';

export type SpansOfResource = DataOf<typeof observabilityContract.recordSpans>['resources'][number];
export type RecordedSpan = SpansOfResource['spans'][number];

/** A span, and whose it is. */
export type Span = RecordedSpan & {
  readonly service_name: string;
};

export type SpanStatus = 'ok' | 'error' | 'timeout';

export const statusOf = ({ status_code = 'ok' }: RecordedSpan): SpanStatus => status_code;

export const hasFailed = (span: RecordedSpan): boolean => statusOf(span) !== 'ok';

/** Microseconds since 1970. */
export const endOf = ({ start_us, duration_us }: RecordedSpan): number => start_us + duration_us;

/** All spans of a batch, each with its service. */
export const spansOf = (resources: readonly SpansOfResource[]): readonly Span[] =>
  resources.flatMap(({ service_name, spans }) => spans.map((span) => ({ ...span, service_name })));

/** In the order of their beginnings; those that began at once, by their ids. */
export const byStart = (one: RecordedSpan, other: RecordedSpan): number =>
  one.start_us - other.start_us || (one.span_id < other.span_id ? -1 : 1);
