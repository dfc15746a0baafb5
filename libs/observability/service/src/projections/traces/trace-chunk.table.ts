import type { Span, SpansForgotten, SpansRecorded } from '@downbeat/observability-domain';
import { jsonBytes } from '@downbeat/contracts';
import type { Instant } from '@downbeat/eventsourcing';
import type { Table } from '@downbeat/projections';
import { spansByTrace } from './spans-by-trace';

/**
 * The spans of one trace that one batch brought: a trace of 10,000 spans is some twenty rows. A row is
 * written once, and not changed until it is forgotten.
 */
export interface TraceChunkRow {
  readonly [column: string]: unknown;
  /** `<trace id>/<batch id>` */
  readonly chunk_id: string;
  readonly trace_id: string;
  /** Of the batch, in the log. */
  readonly position: number;
  readonly recorded_at: Instant;
  readonly span_count: number;
  /** Of `spans` as JSON. */
  readonly bytes: number;
  readonly spans: readonly Span[];
}

const chunkIdOf = (traceId: string, batchId: string): string => `${traceId}/${batchId}`;
const TRACE_ID_LENGTH = 32;

export const traceChunkTable: Table<TraceChunkRow, SpansRecorded | SpansForgotten> = {
  name: 'trace_chunk',
  key: 'chunk_id',
  columns: {
    chunk_id: 'text',
    trace_id: 'text',
    position: 'bigint',
    recorded_at: 'instant',
    span_count: 'bigint',
    bytes: 'bigint',
    spans: 'json',
  },
  indexes: [['trace_id', 'position'], ['position']],
  on: {
    SpansRecorded: {
      keys: ({ data }) => [...spansByTrace(data).keys()].map((id) => chunkIdOf(id, data.batch_id)),
      fold: (_, { data, position, recorded_at }, chunk_id) => {
        const trace_id = chunk_id.slice(0, TRACE_ID_LENGTH);
        const spans = spansByTrace(data).get(trace_id) ?? [];
        return {
          ...{ chunk_id, trace_id, position, recorded_at },
          ...{ span_count: spans.length, bytes: jsonBytes(spans), spans },
        };
      },
    },
    SpansForgotten: {
      keys: ({ data }) =>
        data.batches.flatMap(({ batch_id, trace_ids }) =>
          trace_ids.map((id) => chunkIdOf(id, batch_id)),
        ),
      fold: () => undefined,
    },
  },
};
