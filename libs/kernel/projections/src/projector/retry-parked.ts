import type { EventStore } from '@downbeat/event-store';
import type { StreamName } from '@downbeat/eventsourcing';
import type { Pool } from 'pg';
import { inTransaction } from '../database';
import { ReadModelBehind } from '../errors';
import type { Projection } from '../projection';
import { restartPast } from './past-records';
import { lockRecord, park } from './records';
import type { TableSet } from '../rows/table-set';

export interface ParkedRetry {
  /** Streams whose parked events are all in the tables now. */
  readonly streams_resumed: number;
  /** Of those that were tried now. */
  readonly streams_still_parked: number;
}

const STREAMS_MAX = 100;

/**
 * Folds parked streams again, at most 100 at once, oldest first, after the cause was removed. Their
 * events come later than those of other streams then: where rows mix streams, raise the version.
 */
export async function retryParkedStreams(
  projection: Projection,
  tables: TableSet,
  pool: Pool,
  store: EventStore,
): Promise<ParkedRetry> {
  const { name, version } = projection;
  return inTransaction(pool, async (sql) => {
    const record = await lockRecord(sql, projection, '');
    if (record?.state !== 'live') throw new ReadModelBehind(name, 0, 0);
    const found = await sql.query(
      `select stream, min(stream_version) as first from projection_parked
       where projection = $1 and version = $2 group by stream order by min(position) limit ${STREAMS_MAX}`,
      [name, version],
    );
    const dated = { since: record.checkpoint, keepsPast: false };
    let resumed = 0;
    let remaining = 0;
    for (const { stream, first } of found.rows as { stream: StreamName; first: number }[]) {
      const events = await store.load(stream, first - 1);
      const due = events.filter(({ position }) => position <= record.checkpoint);
      await sql.query(
        'delete from projection_parked where projection = $1 and version = $2 and stream = $3',
        [name, version, stream],
      );
      const { parked } = await tables.applyCarefully(sql, due, new Set(), dated);
      await park(sql, projection, parked);
      if (parked.length === 0) resumed++;
      else remaining++;
    }
    // What was kept is without these streams: what is asked about the time before is built anew.
    await restartPast(sql, projection, record.checkpoint);
    await sql.query(
      'update projection set past_from = checkpoint, past_through = checkpoint where name = $1 and version = $2',
      [name, version],
    );
    return { streams_resumed: resumed, streams_still_parked: remaining };
  });
}
