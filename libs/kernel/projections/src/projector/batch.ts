import type { LogSlice } from '@downbeat/event-store';
import type { Position } from '@downbeat/eventsourcing';
import { inTransaction } from '../database';
import { ProjectionInvariantBroken } from '../errors';
import type { Projection } from '../projection';
import type { ProjectorOptions } from './projector-options';
import { lockRecord, moveCheckpoint, park, parkedStreams, type RecordState } from './records';
import type { Outcome, TableSet } from '../rows/table-set';
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
}

/** One transaction: lock, fold, write, park, move the checkpoint. All of it or nothing. */
export async function commitBatch(
  projection: Projection,
  tables: TableSet,
  { after, slice, saved, state, careful }: Batch,
  { pool, onCrashPoint }: Pick<ProjectorOptions, 'pool' | 'onCrashPoint'>,
): Promise<BatchResult> {
  return inTransaction(pool, async (sql) => {
    const record = await lockRecord(sql, projection);
    if (record === undefined) return { outcome: 'locked' };
    const { checkpoint } = record;
    if (checkpoint > after || checkpoint < saved || record.state !== state)
      return { outcome: 'elsewhere', checkpoint };

    const outcome = await applySlice(sql, projection, tables, slice, careful, record.has_parked);
    assertComplete(outcome, after, slice);
    await park(sql, projection, outcome.parked);
    await moveCheckpoint(sql, projection, checkpoint, slice.through);
    await onCrashPoint?.('projector.before-commit', projection.name);
    return { outcome: 'committed', parked: outcome.parked.length };
  });
}

async function applySlice(
  sql: Sql,
  projection: Projection,
  tables: TableSet,
  { events }: LogSlice,
  careful: boolean,
  hasParked: boolean,
): Promise<Outcome> {
  if (events.length === 0) return { applied: 0, ignored: 0, parked: [] };
  const streams = hasParked ? events.map(({ stream }) => stream) : [];
  const parked = await parkedStreams(sql, projection, streams);
  return careful ? tables.applyCarefully(sql, events, parked) : tables.apply(sql, events, parked);
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
