import type { Span } from '@downbeat/observability-domain';
import type { EntityManager } from 'typeorm';
import type { TraceChunkRow } from './trace-chunk.table';

/** Of one trace so much is read; what is read is many times as large in memory as it is in the table. */
export const SPANS_OPENED_MAX = 50_000;
export const BYTES_OPENED_MAX = 32 * 2 ** 20;

/** A trace as far as it is read. */
export interface OpenedTrace {
  readonly spans: readonly Span[];
  /** More spans have come than are read. */
  readonly isCut: boolean;
}

type Measured = Pick<TraceChunkRow, 'position' | 'span_count' | 'bytes'>;

/**
 * The spans of a trace in the order in which they came: of a span that came twice the first counts. A
 * batch is read whole or not at all, and the first one always is.
 */
export async function openedTrace(
  manager: EntityManager,
  traceId: string,
  spansMax = SPANS_OPENED_MAX,
  bytesMax = BYTES_OPENED_MAX,
): Promise<OpenedTrace> {
  // Each has one span at least.
  const chunks = await manager.query<Measured[]>(
    `select position, span_count, bytes from trace_chunk where trace_id = $1
      order by position limit $2`,
    [traceId, spansMax + 1],
  );
  const read = withinBounds(chunks, spansMax, bytesMax);
  if (read.length === 0) return { spans: [], isCut: false };
  const rows = await manager.query<Pick<TraceChunkRow, 'spans'>[]>(
    `select spans from trace_chunk where trace_id = $1 and position <= $2 order by position`,
    [traceId, read.at(-1)?.position],
  );
  const spans: Span[] = [];
  for (const row of rows) for (const span of row.spans) spans.push(span);
  return { spans, isCut: read.length < chunks.length };
}

function withinBounds(
  chunks: readonly Measured[],
  spansMax: number,
  bytesMax: number,
): readonly Measured[] {
  let [spans, bytes] = [0, 0];
  const beyond = chunks.findIndex((chunk, at) => {
    spans += Number(chunk.span_count);
    bytes += Number(chunk.bytes);
    return at > 0 && (spans > spansMax || bytes > bytesMax);
  });
  return beyond < 0 ? chunks : chunks.slice(0, beyond);
}
