import type { Pool } from 'pg';
import { inTransaction } from '../database';
import { fingerprint, versionedTable } from '../tables/definition';
import { ProjectionChanged } from '../errors';
import type { Projection } from '../projection';
import { addRecord, recordsOf, recordTablesSql } from '../projector/records';
import { createTableSql, type Sql } from '../tables/table-sql';
import { shapeOf } from '../tables/table-shape';

/** Chosen once; processes of one schema take turns on it. */
const PREPARE_LOCK = 'downbeat projections of ';

/**
 * Creates the bookkeeping, and the empty tables of versions that were never built.
 *
 * @throws {ProjectionChanged} A version that exists already has other tables in this code.
 */
export async function prepareProjections(
  pool: Pool,
  projections: readonly Projection[],
): Promise<void> {
  await inTransaction(pool, async (sql) => {
    await sql.query('select pg_advisory_xact_lock(hashtextextended($1 || current_schema(), 0))', [
      PREPARE_LOCK,
    ]);
    // Even `if not exists` would wait for the batches of projectors that run already.
    const known = await sql.query(`select from pg_class
      where relname = 'projection_parked' and relnamespace = current_schema()::regnamespace`);
    if (known.rowCount === 0) await sql.query(recordTablesSql);
    for (const projection of projections) await prepareProjection(sql, projection);
  });
}

async function prepareProjection(sql: Sql, projection: Projection): Promise<void> {
  const records = await recordsOf(sql, projection.name);
  const print = fingerprint(projection);
  const own = records.find(({ version }) => version === projection.version);
  if (own !== undefined) {
    if (own.fingerprint !== print) throw new ProjectionChanged(projection.name, projection.version);
    return;
  }
  const live = records.find(({ state }) => state === 'live');
  if (live !== undefined && live.version > projection.version) return;

  for (const table of projection.tables) {
    const target = versionedTable(table, projection.version);
    await sql.query(`drop table if exists ${target}`);
    await sql.query(createTableSql(shapeOf(table), target));
  }
  await addRecord(sql, projection, print);
}
