import type { Span } from '../span';

export const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
/** 2026-03-01T09:30:00Z */
export const T0_US = 1_772_357_400_000_000;

/** `7` as the id of a span. */
export const idOf = (number: number): string => number.toString(16).padStart(16, '0');

/** A span of 100 µs that begins with its trace, but for what is said. */
export const someSpan = (number: number, more: Partial<Span> = {}): Span => ({
  trace_id: TRACE_ID,
  span_id: idOf(number),
  service_name: 'shop',
  operation_name: `operation-${number}`,
  span_kind: 'internal',
  start_us: T0_US,
  duration_us: 100,
  ...more,
});

/** The same below a parent, from and to so many microseconds after the beginning. */
export const childSpan = (
  number: number,
  parent: number,
  from: number,
  to: number,
  more: Partial<Span> = {},
): Span =>
  someSpan(number, {
    parent_span_id: idOf(parent),
    start_us: T0_US + from,
    duration_us: to - from,
    ...more,
  });
