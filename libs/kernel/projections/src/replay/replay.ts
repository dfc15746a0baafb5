import type { LogSlice } from '@downbeat/event-store';
import type { Position, StreamName } from '@downbeat/eventsourcing';
import { RebuildsOverloaded } from '../errors';
import type { LogReader } from '../projector/log-reader';
import type { TableSet } from '../rows/table-set';
import type { Sql } from '../tables/table-sql';

/** How far a copy of the tables has come. */
export interface Replayed {
  readonly position: Position;
  readonly parked: ReadonlySet<StreamName>;
}

const SLICE_MAX = 5_000;

/**
 * Folds the log into a copy of the tables, beginning where `from` ended, up to and with `until`.
 *
 * @param deadlineMs Epoch milliseconds.
 * @throws {RebuildsOverloaded} The deadline passed.
 */
export async function replay(
  reader: LogReader,
  tables: TableSet,
  sql: Sql,
  from: Replayed,
  until: Position,
  deadlineMs: number,
): Promise<Replayed> {
  let { position } = from;
  const parked = new Set(from.parked);
  for await (const { events, through } of slices(reader, position, until, deadlineMs)) {
    const outcome = await tables.applyCarefully(sql, events, parked);
    for (const { event } of outcome.parked) parked.add(event.stream);
    position = through;
  }
  return { position, parked };
}

/**
 * The log after `position`, up to and with `until`; the next slice is read while one is written.
 *
 * @throws {RebuildsOverloaded} The deadline passed.
 */
export async function* slices(
  reader: LogReader,
  position: Position,
  until: Position,
  deadlineMs: number,
): AsyncGenerator<LogSlice> {
  let next = readUpTo(reader, position, until);
  while (position < until) {
    if (Date.now() > deadlineMs)
      throw new RebuildsOverloaded(`a rebuild took too long and ended at position ${position}`);
    const slice = await next;
    if (slice.through === position) return;
    position = slice.through;
    next = readUpTo(reader, position, until);
    yield slice;
  }
}

function readUpTo(reader: LogReader, after: Position, until: Position): Promise<LogSlice> {
  const limit = Math.min(SLICE_MAX, until - after);
  if (limit <= 0) return Promise.resolve({ events: [], through: after });
  const slice = reader.read(after, limit);
  // Whoever waits for it meets the fault; a slice that nobody wants any more may fail quietly.
  slice.catch(() => undefined);
  return slice;
}
