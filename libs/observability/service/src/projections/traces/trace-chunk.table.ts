import type { Span, SpansRecorded } from '@downbeat/observability-domain';
import type { Table } from '@downbeat/projections';
import { spansByTrace } from './spans-by-trace';

/** The spans of one trace that one batch brought: a trace of 10,000 spans is some twenty rows. */
export interface TraceChunkRow {
  readonly [column: string]: unknown;
  /** `<trace id>/<batch id>` */
  readonly chunk_id: string;
  readonly trace_id: string;
  /** Of the batch, in the log. */
  readonly position: number;
  readonly spans: readonly Span[];
}

const TRACE_ID_LENGTH = 32;

export const traceChunkTable: Table<TraceChunkRow, SpansRecorded> = {
  name: 'trace_chunk',
  key: 'chunk_id',
  columns: { chunk_id: 'text', trace_id: 'text', position: 'bigint', spans: 'json' },
  indexes: [['trace_id', 'position']],
  on: {
    SpansRecorded: {
      keys: ({ data }) => [...spansByTrace(data).keys()].map((id) => `${id}/${data.batch_id}`),
      fold: (_, { data, position }, chunk_id) => {
        const trace_id = chunk_id.slice(0, TRACE_ID_LENGTH);
        return { chunk_id, trace_id, position, spans: spansByTrace(data).get(trace_id) ?? [] };
      },
    },
  },
};
