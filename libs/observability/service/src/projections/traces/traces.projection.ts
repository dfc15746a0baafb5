import type { Projection } from '@downbeat/projections';
import { traceChunkTable } from './trace-chunk.table';
import { spanTotalTable } from './span-total.table';
import { traceTable } from './trace.table';

/** Traces: what is said of each in a list, its spans, and how many spans there are. */
export const traces: Projection = {
  name: 'observability.traces',
  version: 2,
  tables: [traceTable, traceChunkTable, spanTotalTable],
};
