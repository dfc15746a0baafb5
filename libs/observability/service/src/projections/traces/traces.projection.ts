import type { Projection } from '@downbeat/projections';
import { traceChunkTable } from './trace-chunk.table';
import { traceTable } from './trace.table';

/** Traces: what is said of each in a list, and its spans. */
export const traces: Projection = {
  name: 'observability.traces',
  version: 2,
  tables: [traceTable, traceChunkTable],
};
