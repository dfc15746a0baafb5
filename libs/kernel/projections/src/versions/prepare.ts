import type { Pool } from 'pg';
import { fingerprint, versionedTable } from '../tables/definition';
import { ProjectionChanged } from '../errors';
import type { Projection } from '../projection';
import { pastRecordsSql } from '../projector/past-records';
import { addRecord, recordsOf, recordTablesSql } from '../projector/records';
import { createPastSql, pastTable } from '../tables/past-sql';
import { addSinceSql, createTableSql, type Sql } from '../tables/table-sql';
import { shapeOf } from '../tables/table-shape';
import { changeTables } from './change-tables';

/**
 * Creates the bookkeeping, and the empty tables of versions that were never built.
 *
 * @throws {ProjectionChanged} A version that exists already has other tables in this code.
 */
export async function prepareProjections(
  pool: Pool,
  projections: readonly Projection[],
): Promise<void> {
  await changeTables(pool, async (sql) => {
    // Even `if not exists` would wait for the batches of projectors that run already.
    const known = await sql.query(`select from pg_class
      where relname = 'projection_parked' and relnamespace = current_schema()::regnamespace`);
    if (known.rowCount === 0) await sql.query(recordTablesSql);
    const past = await sql.query(`select from pg_class
      where relname = 'projection_moment' and relnamespace = current_schema()::regnamespace`);
    if (past.rowCount === 0) await sql.query(pastRecordsSql);
    for (const projection of projections) await prepareProjection(sql, projection);
  });
  for (const projection of projections) await preparePast(pool, projection);
}

/** Tables of an earlier release: one at a time, since projectors of other replicas may hold them. */
async function preparePast(pool: Pool, { tables, version }: Projection): Promise<void> {
  for (const table of tables) {
    const [live, past] = [versionedTable(table, version), pastTable(table, version)];
    const lacksPast = async (sql: Sql): Promise<boolean> => {
      const found = await sql.query(
        `select relname as name from pg_class
          where relnamespace = current_schema()::regnamespace and relname = any($1::text[])`,
        [[live, past].map((name) => name.replaceAll('"', ''))],
      );
      return found.rows.length === 1 && found.rows[0].name === live.replaceAll('"', '');
    };
    if (!(await lacksPast(pool))) continue;
    await changeTables(pool, async (sql) => {
      if (!(await lacksPast(sql))) return;
      await sql.query(addSinceSql(live));
      await sql.query(createPastSql(shapeOf(table), past));
    });
  }
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
    const past = pastTable(table, projection.version);
    await sql.query(`drop table if exists ${target}, ${past}`);
    await sql.query(createTableSql(shapeOf(table), target));
    await sql.query(createPastSql(shapeOf(table), past));
  }
  await addRecord(sql, projection, print);
}
