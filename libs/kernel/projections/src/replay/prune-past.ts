import type { Position } from '@downbeat/eventsourcing';
import type { Pool } from 'pg';
import { inTransaction } from '../database';
import type { Projection } from '../projection';
import { momentBefore } from '../projector/past-records';
import { pastTable } from '../tables/past-sql';

const ROWS_MAX = 5_000;

/**
 * Forgets what was before `horizon`, at most 5,000 rows of a table at once. Where the past begins is
 * moved first: nobody asks about rows that are about to go.
 *
 * @returns Whether there may be more.
 */
export async function prunePast(
  pool: Pool,
  projection: Projection,
  horizon: Position,
): Promise<boolean> {
  const { name, version, tables } = projection;
  const key = [name, version];
  await inTransaction(pool, async (sql) => {
    await sql.query(
      `update projection set past_from = least($3, checkpoint)
       where name = $1 and version = $2 and past_from < least($3, checkpoint)`,
      [...key, horizon],
    );
  });
  const found = await pool.query<{ past_from: Position }>(
    'select past_from from projection where name = $1 and version = $2',
    key,
  );
  const from = found.rows[0]?.past_from ?? 0;
  let hasMore = false;
  for (const table of tables) {
    const target = pastTable(table, version);
    const gone = await pool.query(
      `delete from ${target} where ctid = any (array(
         select ctid from ${target} where "_until" <= $1 limit ${ROWS_MAX}))`,
      [from],
    );
    hasMore ||= gone.rowCount === ROWS_MAX;
  }
  const first = await momentBefore(pool, projection, from);
  const moments = await pool.query(
    `delete from projection_moment where projection = $1 and version = $2 and position = any (array(
       select position from projection_moment
       where projection = $1 and version = $2 and position < $3 limit ${ROWS_MAX}))`,
    [...key, first?.position ?? 0],
  );
  return hasMore || moments.rowCount === ROWS_MAX;
}
