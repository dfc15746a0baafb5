import type { SpansForgotten, SpansRecorded } from '@downbeat/observability-domain';
import type { Table } from '@downbeat/projections';

/** How many spans are kept; one row. */
export interface SpanTotalRow {
  readonly [column: string]: unknown;
  readonly total: typeof ALL;
  readonly span_count: number;
  /** Batches up to there are no part of it any more: what is forgotten twice counts once. */
  readonly forgotten_to: number;
}

const ALL = 'all';
const NONE: SpanTotalRow = { total: ALL, span_count: 0, forgotten_to: 0 };

export const spanTotalTable: Table<SpanTotalRow, SpansRecorded | SpansForgotten> = {
  name: 'span_total',
  key: 'total',
  columns: { total: 'text', span_count: 'bigint', forgotten_to: 'bigint' },
  on: {
    SpansRecorded: {
      keys: () => [ALL],
      fold: (row = NONE, { data: { resources } }) => ({
        ...row,
        span_count: resources.reduce((sum, { spans }) => sum + spans.length, row.span_count),
      }),
    },
    SpansForgotten: {
      keys: () => [ALL],
      fold: (row = NONE, { data: { batches, up_to_position } }) => ({
        ...row,
        span_count: batches
          .filter(({ position }) => position > row.forgotten_to)
          .reduce((count, batch) => count - batch.span_count, row.span_count),
        forgotten_to: Math.max(row.forgotten_to, up_to_position),
      }),
    },
  },
};
