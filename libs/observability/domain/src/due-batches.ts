import { epochMs, type Instant, type Position } from '@downbeat/eventsourcing';
import type { ForgottenBatch } from './span-forgetting';

/** What is kept of the traces: what is older, or more, is forgotten, the oldest first. */
export interface KeptSpans {
  readonly days: number;
  readonly spans: number;
}

/** The spans of one trace in one batch, as a view keeps them. */
export interface KeptChunk {
  readonly batch_id: string;
  readonly trace_id: string;
  readonly position: Position;
  readonly recorded_at: Instant;
  readonly span_count: number;
  readonly bytes: number;
}

/** So many chunks are looked at in a round; a batch has a thousand at most, so that one is there whole. */
export const CHUNKS_OF_ROUND_MAX = 1_001;
/** A view reads what it forgets. */
const BYTES_OF_ROUND_MAX = 8 * 2 ** 20;
const DAY_MS = 86_400_000;

interface WholeBatch extends ForgottenBatch {
  readonly recorded_at: Instant;
  readonly bytes: number;
}

/**
 * The batches to be forgotten in one round, each whole.
 *
 * @param oldest In the order of their positions, `CHUNKS_OF_ROUND_MAX` at most: when they are as many, there may be more of the last batch.
 * @param spanCount Of all that are kept.
 */
export function dueBatches(
  oldest: readonly KeptChunk[],
  spanCount: number,
  kept: KeptSpans,
  nowMs: number,
): readonly ForgottenBatch[] {
  const whole = batchesOf(oldest);
  if (oldest.length >= CHUNKS_OF_ROUND_MAX) whole.pop();
  let tooMany = spanCount - kept.spans;
  let bytes = 0;
  const due: ForgottenBatch[] = [];
  for (const { recorded_at, bytes: more, ...batch } of whole) {
    const isOld = epochMs(recorded_at) < nowMs - kept.days * DAY_MS;
    bytes += more;
    if (!isOld && tooMany <= 0) break;
    if (due.length > 0 && bytes > BYTES_OF_ROUND_MAX) break;
    due.push(batch);
    tooMany -= batch.span_count;
  }
  return due;
}

function batchesOf(chunks: readonly KeptChunk[]): WholeBatch[] {
  const byPosition = new Map<Position, KeptChunk[]>();
  for (const chunk of chunks) {
    const others = byPosition.get(chunk.position);
    if (others) others.push(chunk);
    else byPosition.set(chunk.position, [chunk]);
  }
  return [...byPosition.values()].flatMap((all) => {
    const [first] = all;
    if (!first) return [];
    const { batch_id, position, recorded_at } = first;
    return {
      ...{ batch_id, position, recorded_at },
      span_count: all.reduce((sum, chunk) => sum + chunk.span_count, 0),
      bytes: all.reduce((sum, chunk) => sum + chunk.bytes, 0),
      trace_ids: all.map(({ trace_id }) => trace_id),
    };
  });
}
