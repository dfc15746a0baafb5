import { CHUNKS_OF_ROUND_MAX, type KeptChunk } from '@downbeat/observability-domain';
import type { Instant } from '@downbeat/eventsourcing';
import type { EntityManager } from 'typeorm';

/** What a round of forgetting looks at. */
export interface Oldest {
  readonly chunks: readonly KeptChunk[];
  /** Of all that are kept. */
  readonly spanCount: number;
}

interface Row {
  readonly chunk_id: string;
  readonly position: string;
  readonly recorded_at: Instant;
  readonly span_count: string;
  readonly bytes: string;
}

export async function oldestChunks(manager: EntityManager): Promise<Oldest> {
  const [total] = await manager.query<{ span_count: string }[]>(
    'select span_count from span_total',
  );
  const rows = await manager.query<Row[]>(
    `select chunk_id, position, recorded_at, span_count, bytes from trace_chunk
      order by position limit ${CHUNKS_OF_ROUND_MAX}`,
  );
  return { spanCount: Number(total?.span_count ?? 0), chunks: rows.map(chunkOf) };
}

function chunkOf({ chunk_id, position, recorded_at, span_count, bytes }: Row): KeptChunk {
  const [trace_id = '', batch_id = ''] = chunk_id.split('/');
  return {
    ...{ trace_id, batch_id, position: Number(position), recorded_at },
    ...{ span_count: Number(span_count), bytes: Number(bytes) },
  };
}
