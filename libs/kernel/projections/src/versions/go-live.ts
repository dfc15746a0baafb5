import type { Pool } from 'pg';
import { inTransaction } from '../database';
import { versionedTable } from '../tables/definition';
import { isLockNotGranted } from '../database-faults';
import type { Projection } from '../projection';
import { dropRetired, lockRecord, recordsOf } from '../projector/records';
import { selectRowsSql, type Sql } from '../tables/table-sql';
import { shapeOf } from '../tables/table-shape';

/** Readers queue behind the swap while it waits for the views, so it waits briefly and tries again. */
const LOCK_TIMEOUT_MS = 1_000;

/**
 * Puts the views over a version that has caught up, and retires every older one, in one transaction.
 *
 * @returns False when it has to be tried again: another replica works on it, the live version is
 *          ahead, or readers hold the views.
 */
export async function goLive(pool: Pool, projection: Projection): Promise<boolean> {
  try {
    return await inTransaction(pool, (sql) => swap(sql, projection));
  } catch (fault) {
    if (isLockNotGranted(fault)) return false;
    throw fault;
  }
}

async function swap(sql: Sql, projection: Projection): Promise<boolean> {
  const { name, version, tables } = projection;
  await sql.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
  const own = await lockRecord(sql, projection);
  if (own === undefined) return false;
  // Locked, the live version cannot move on while it is compared.
  await sql.query(`select 1 from projection where name = $1 and state = 'live' for update`, [name]);
  const records = await recordsOf(sql, name);
  const live = records.find(({ state }) => state === 'live');
  if (live !== undefined && (live.version >= version || live.checkpoint > own.checkpoint))
    return live.version === version;

  const views = new Set([...(live?.tables ?? []), ...tables.map((table) => table.name)]);
  for (const view of views) await sql.query(`drop view if exists "${view}"`);
  for (const table of tables)
    await sql.query(
      `create view "${table.name}" as ${selectRowsSql(shapeOf(table), versionedTable(table, version))}`,
    );
  await sql.query(
    `update projection set state = 'retired', updated_at = now() where name = $1 and version < $2`,
    [name, version],
  );
  await sql.query(
    `update projection set state = 'live', updated_at = now() where name = $1 and version = $2`,
    [name, version],
  );
  return true;
}

/** Afterwards, when no reader needs them any more. @returns False when one still does. */
export async function dropOldTables(pool: Pool, name: string): Promise<boolean> {
  try {
    await inTransaction(pool, async (sql) => {
      await sql.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
      await dropRetired(sql, name);
    });
    return true;
  } catch (fault) {
    if (isLockNotGranted(fault)) return false;
    throw fault;
  }
}
