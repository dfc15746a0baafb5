import type { LogSlice } from '@downbeat/event-store';
import { epochMs, type Instant, type Position, type StreamName } from '@downbeat/eventsourcing';
import { RebuildsOverloaded } from '../errors';
import type { LogReader } from '../projector/log-reader';
import type { TableSet } from '../rows/table-set';
import type { Sql } from '../tables/table-sql';

/** Up to and with this position, or every event recorded up to and with this moment. */
export type Until = { readonly position: Position; readonly instant?: Instant };

/** How far a copy of the tables has come. */
export interface Replayed {
  readonly position: Position;
  /** The newest event in it; absent when there is none. */
  readonly last?: { readonly position: Position; readonly recorded_at: Instant };
  readonly parked: ReadonlySet<StreamName>;
}

const SLICE_MAX = 5_000;

/**
 * Folds the log into a copy of the tables, beginning where `from` ended.
 *
 * @param deadlineMs Epoch milliseconds.
 * @throws {RebuildsOverloaded} The deadline passed.
 */
export async function replay(
  reader: LogReader,
  tables: TableSet,
  sql: Sql,
  from: Replayed,
  until: Until,
  deadlineMs: number,
): Promise<Replayed> {
  let { position, last } = from;
  const parked = new Set(from.parked);
  const isOver = isBeyond(until.instant);
  let next = readUpTo(reader, position, until);
  while (position < until.position) {
    if (Date.now() > deadlineMs)
      throw new RebuildsOverloaded(`a rebuild took too long and ended at position ${position}`);
    const { events, through } = await next;
    // The next slice is read while this one is written.
    next = readUpTo(reader, through, until);
    const end = events.findIndex(({ recorded_at }) => isOver(recorded_at));
    const wanted = end === -1 ? events : events.slice(0, end);
    const outcome = await tables.applyCarefully(sql, wanted, parked);
    for (const { event } of outcome.parked) parked.add(event.stream);
    last = wanted.at(-1) ?? last;
    if (end !== -1 || through === position) break;
    position = through;
  }
  const reached = until.instant === undefined ? position : (last?.position ?? 0);
  return { position: reached, parked, ...(last !== undefined && { last }) };
}

function readUpTo(reader: LogReader, after: Position, until: Until): Promise<LogSlice> {
  const limit = Math.min(SLICE_MAX, until.position - after);
  if (limit <= 0) return Promise.resolve({ events: [], through: after });
  const slice = reader.read(after, limit);
  // Whoever waits for it meets the fault; a slice that nobody wants any more may fail quietly.
  slice.catch(() => undefined);
  return slice;
}

function isBeyond(instant: Instant | undefined): (recordedAt: Instant) => boolean {
  if (instant === undefined) return () => false;
  const limit = epochMs(instant);
  return (recordedAt) => epochMs(recordedAt) > limit;
}
