import {
  withSpans,
  type SpansForgotten,
  type SpansRecorded,
  type TraceSummary,
} from '@downbeat/observability-domain';
import type { Table } from '@downbeat/projections';
import { spansByTrace } from './spans-by-trace';

export interface TraceRow extends TraceSummary {
  readonly [column: string]: unknown;
  /** Microseconds. */
  readonly duration_us: number;
  /** Of the newest batch that brought spans of it, in the log. */
  readonly last_position: number;
  /** Its place in a list, the newest last: sixteen digits of microseconds, and the id. */
  readonly place: string;
}

export const PLACE_DIGITS = 16;

export const placeOf = (startUs: number, traceId: string): string =>
  `${String(startUs).padStart(PLACE_DIGITS, '0')} ${traceId}`;

/** What is said of each trace in a list, and what it can be looked for by. */
export const traceTable: Table<TraceRow, SpansRecorded | SpansForgotten> = {
  name: 'trace',
  key: 'trace_id',
  columns: {
    trace_id: 'text',
    root_span_id: 'text',
    root_service: 'text',
    root_operation: 'text',
    root_start_us: 'bigint',
    root_tags: 'json',
    has_root: 'boolean',
    start_us: 'bigint',
    end_us: 'bigint',
    span_count: 'bigint',
    error_count: 'bigint',
    status: 'text',
    services: 'json',
    operations: 'json',
    pairs: 'json',
    duration_us: 'bigint',
    last_position: 'bigint',
    place: 'text',
  },
  indexes: [['place']],
  on: {
    SpansRecorded: {
      keys: ({ data }) => [...spansByTrace(data).keys()],
      fold: (row, { data, position }, traceId) => {
        const [first, ...rest] = spansByTrace(data).get(traceId) ?? [];
        if (!first) return row;
        const summary = withSpans(row, [first, ...rest]);
        return {
          ...summary,
          duration_us: summary.end_us - summary.start_us,
          last_position: position,
          place: placeOf(summary.start_us, traceId),
        };
      },
    },
    // A trace stays in the lists as long as any of its spans does.
    SpansForgotten: {
      keys: ({ data }) => data.batches.flatMap(({ trace_ids }) => trace_ids),
      fold: (row, { data }) => (row && row.last_position > data.up_to_position ? row : undefined),
    },
  },
};
