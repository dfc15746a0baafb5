import type { DataOf, observabilityContract } from '@downbeat/contracts';

type Batch = DataOf<typeof observabilityContract.recordSpans>;
export type Resource = Batch['resources'][number];
type Span = Resource['spans'][number];

/** `7` as the id of a span, and of a trace. */
export const spanIdOf = (number: number): string => number.toString(16).padStart(16, '0');
export const traceIdOf = (number: number): string => number.toString(16).padStart(32, '0');

/** A second ago: a clock that goes on while tests run does not matter. */
export const T0_US = Math.floor(Date.now() / 1_000) * 1_000_000 - 1_000_000;

/** A span of 100 µs that begins with its trace, but for what is said. */
export const someSpan = (trace: number, number: number, more: Partial<Span> = {}): Span => ({
  trace_id: traceIdOf(trace),
  span_id: spanIdOf(number),
  operation_name: `operation-${number}`,
  span_kind: 'internal',
  start_us: T0_US,
  duration_us: 100,
  ...more,
});

export const of = (service_name: string, ...spans: readonly Span[]): Resource => ({
  service_name,
  spans: [...spans],
});
