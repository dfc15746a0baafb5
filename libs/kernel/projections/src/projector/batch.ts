import type { LogSlice } from '@downbeat/event-store';
import { epochMs, type Position } from '@downbeat/eventsourcing';
import { inTransaction } from '../database';
import { ProjectionInvariantBroken } from '../errors';
import type { Projection } from '../projection';
import type { ProjectorOptions } from './projector-options';
import { addMoment, forgetMoments, prolongMoment } from './past-records';
import {
  lockRecord,
  moveCheckpoint,
  park,
  parkedStreams,
  type LockedRecord,
  type RecordState,
} from './records';
import type { Dated, Outcome, TableSet } from '../rows/table-set';
import type { Sql } from '../tables/table-sql';

/** What became of a batch: another owner holds the row, the checkpoint is elsewhere, or it is committed. */
export type BatchResult =
  | { readonly outcome: 'locked' }
  | { readonly outcome: 'elsewhere'; readonly checkpoint: Position }
  | {
      readonly outcome: 'committed';
      /** Events that were recorded as parked. */
      readonly parked: number;
    };

export interface Batch {
  /** The position the slice was read after. */
  readonly after: Position;
  readonly slice: LogSlice;
  /** The checkpoint as last seen in the database; positions up to `after` concern no table. */
  readonly saved: Position;
  /** The version's state as last seen: rows kept in memory are true only while it is being built. */
  readonly state: RecordState;
  readonly careful: boolean;
  /** Rows are kept as they were from this moment on, in epoch milliseconds; absent: never. */
  readonly pastFromMs?: number;
}

/** One transaction: lock, fold, write, park, move the checkpoint. All of it or nothing. */
export async function commitBatch(
  projection: Projection,
  tables: TableSet,
  { after, slice, saved, state, careful, pastFromMs }: Batch,
  { pool, onCrashPoint }: Pick<ProjectorOptions, 'pool' | 'onCrashPoint'>,
): Promise<BatchResult> {
  return inTransaction(pool, async (sql) => {
    const record = await lockRecord(sql, projection);
    if (record === undefined) return { outcome: 'locked' };
    const { checkpoint } = record;
    if (checkpoint > after || checkpoint < saved || record.state !== state)
      return { outcome: 'elsewhere', checkpoint };

    const past = pastOf(record, slice, pastFromMs);
    if (past?.isOver) await forgetMoments(sql, projection);
    if (past?.beginsAt !== undefined) await addMoment(sql, projection, past.beginsAt);
    const dated = { since: slice.through, keepsPast: past?.isKept === true };
    const outcome = await applySlice(sql, projection, tables, slice, careful, record, dated);
    assertComplete(outcome, after, slice);
    await park(sql, projection, outcome.parked);
    const isMoment = past?.isKept === true && outcome.applied > 0;
    if (past?.isKept && !isMoment) await prolongMoment(sql, projection, past.from, slice.through);
    const passed = { from: checkpoint, to: slice.through, isMoment };
    await moveCheckpoint(sql, projection, passed, past?.from);
    await onCrashPoint?.('projector.before-commit', projection.name);
    return { outcome: 'committed', parked: outcome.parked.length };
  });
}

interface PastOfBatch {
  readonly isKept: boolean;
  /** From where on the past is kept when the batch is committed. */
  readonly from: Position;
  /** What is kept belongs together no more. */
  readonly isOver: boolean;
  /** It begins (anew) here, and this is its first moment. */
  readonly beginsAt?: Position;
}

/** Whether the batch keeps what it changes. History that nobody may ask for is built without it. */
function pastOf(
  { checkpoint, past_from, past_through, has_moments }: LockedRecord,
  { events, through }: LogSlice,
  pastFromMs: number | undefined,
): PastOfBatch | undefined {
  if (pastFromMs === undefined) return undefined;
  const last = events.at(-1);
  if (last !== undefined && epochMs(last.recorded_at) < pastFromMs)
    return { isKept: false, from: through, isOver: has_moments };
  return past_through === checkpoint && has_moments
    ? { isKept: true, from: past_from, isOver: false }
    : { isKept: true, from: checkpoint, isOver: has_moments, beginsAt: checkpoint };
}

async function applySlice(
  sql: Sql,
  projection: Projection,
  tables: TableSet,
  { events }: LogSlice,
  careful: boolean,
  { has_parked }: LockedRecord,
  dated: Dated,
): Promise<Outcome> {
  if (events.length === 0) return { applied: 0, ignored: 0, parked: [] };
  const streams = has_parked ? events.map(({ stream }) => stream) : [];
  const parked = await parkedStreams(sql, projection, streams);
  return careful
    ? tables.applyCarefully(sql, events, parked, dated)
    : tables.apply(sql, events, parked, dated);
}

/** Every position is accounted for: applied, ignored, parked, or another context's. */
function assertComplete(outcome: Outcome, after: Position, { events, through }: LogSlice): void {
  const own = outcome.applied + outcome.ignored + outcome.parked.length;
  const foreign = through - after - events.length;
  if (own !== events.length || foreign < 0 || own + foreign !== through - after)
    throw new ProjectionInvariantBroken(
      `${outcome.applied} applied, ${outcome.ignored} ignored, ${outcome.parked.length} parked and ` +
        `${foreign} foreign events are not the ${through - after} positions after ${after}`,
    );
}
