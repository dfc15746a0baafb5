import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import { inTransaction } from '../database';
import { isLockNotGranted } from '../database-faults';
import type { Sql } from '../tables/table-sql';

/** Whoever comes later queues behind a lock that is waited for, so it is waited for briefly. */
const LOCK_TIMEOUT_MS = 1_000;

/** Chosen once; processes of one schema take turns on it. */
const PREPARE_LOCK = 'downbeat projections of ';
const TAKE_TURNS = 'select pg_advisory_xact_lock(hashtextextended($1 || current_schema(), 0))';

const PAUSE_MS = 250;
const WITHIN_MS = 60_000;

/**
 * Changes tables that others may hold: gives up when a lock is not granted, lets those in between
 * go on, and tries again. For at most a minute.
 *
 * @param change In one transaction, whose turn it is among the processes of one schema.
 */
export async function changeTables(pool: Pool, change: (sql: Sql) => Promise<void>): Promise<void> {
  const deadlineMs = Date.now() + WITHIN_MS;
  for (;;) {
    try {
      return await inTransaction(pool, async (sql) => {
        await sql.query(TAKE_TURNS, [PREPARE_LOCK]);
        await sql.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
        await change(sql);
      });
    } catch (fault) {
      if (!isLockNotGranted(fault) || Date.now() > deadlineMs) throw fault;
    }
    await pause(PAUSE_MS);
  }
}
