import type { Position, StreamName } from '@downbeat/eventsourcing';
import { versionedTable } from '../tables/definition';
import { pastTable } from '../tables/past-sql';
import type { ParkedEvent } from '../rows/fold';
import type { Projection } from '../projection';
import { addMomentSql, PAST_COLUMNS, type PastRecord } from './past-records';
import { ProjectionInvariantBroken } from '../errors';
import type { Sql } from '../tables/table-sql';

/** `building` beside the live one, `live` behind the views, `retired` until its tables are dropped. */
export type RecordState = 'building' | 'live' | 'retired';

/** What the database knows of one version of a projection. */
export interface ProjectionRecord {
  readonly version: number;
  readonly state: RecordState;
  readonly checkpoint: Position;
  /** Names of its tables without the version, so that they can be dropped when the code is gone. */
  readonly tables: readonly string[];
  readonly fingerprint: string;
  readonly parked_streams: number;
}

export interface LockedRecord extends PastRecord {
  readonly state: RecordState;
  readonly checkpoint: Position;
  readonly has_parked: boolean;
  readonly has_moments: boolean;
}

/** The bookkeeping, in the context's own schema. */
export const recordTablesSql = `
  create table projection (
    name text collate "C" not null,
    version integer not null,
    state text not null check (state in ('building', 'live', 'retired')),
    checkpoint bigint not null default 0 check (checkpoint >= 0),
    tables text[] not null,
    fingerprint text not null,
    fault text,
    updated_at timestamptz not null default now(),
    primary key (name, version));
  create unique index projection_live on projection (name) where state = 'live';
  create table projection_parked (
    projection text collate "C" not null,
    version integer not null,
    stream text collate "C" not null,
    stream_version bigint not null,
    position bigint not null,
    error text not null,
    parked_at timestamptz not null default now(),
    primary key (projection, version, position));
  create index projection_parked_stream
    on projection_parked (projection, version, stream, stream_version)`;

export async function recordsOf(sql: Sql, name: string): Promise<readonly ProjectionRecord[]> {
  const found = await sql.query(
    `select version, state, checkpoint, tables, fingerprint, (select count(distinct stream)
       from projection_parked k where k.projection = p.name and k.version = p.version) as parked_streams
     from projection p where name = $1 order by version`,
    [name],
  );
  return found.rows;
}

export async function addRecord(sql: Sql, projection: Projection, print: string): Promise<void> {
  await sql.query(
    `insert into projection (name, version, state, tables, fingerprint) values ($1, $2, 'building', $3, $4)`,
    [projection.name, projection.version, projection.tables.map(({ name }) => name), print],
  );
}

/** Becomes the owner for this transaction; `undefined` when another one is, or the version is retired. */
export async function lockRecord(
  sql: Sql,
  { name, version }: Projection,
  wait: 'skip locked' | '' = 'skip locked',
): Promise<LockedRecord | undefined> {
  const found = await sql.query(
    `select state, checkpoint, ${PAST_COLUMNS}, exists (select from projection_parked
       where projection = $1 and version = $2) as has_parked, exists (select from projection_moment
       where projection = $1 and version = $2) as has_moments
     from projection where name = $1 and version = $2 and state <> 'retired' for update ${wait}`,
    [name, version],
  );
  return found.rows[0];
}

/**
 * @param passed Whether the batch changed rows that can be seen as they were: it is a moment then.
 * @param pastFrom From where on the past is kept; absent when it is not.
 * @throws {ProjectionInvariantBroken} The checkpoint is not where the owner's lock must have kept it.
 */
export async function moveCheckpoint(
  sql: Sql,
  { name, version }: Projection,
  { from, to, isMoment }: { from: Position; to: Position; isMoment: boolean },
  pastFrom?: Position,
): Promise<void> {
  const moved = await sql.query(
    `${isMoment ? `with moment as (${addMomentSql('$4')})` : ''}
     update projection set checkpoint = $4, fault = null, updated_at = now(),
       past_from = coalesce($5, past_from), past_through = case when $5::bigint is null then past_through else $4 end
     where name = $1 and version = $2 and checkpoint = $3`,
    [name, version, from, to, pastFrom ?? null],
  );
  if (moved.rowCount !== 1)
    throw new ProjectionInvariantBroken(`the checkpoint of ${name} is not ${from}`);
}

export async function noteFault(sql: Sql, projection: Projection, fault: string): Promise<void> {
  await sql.query(
    `update projection set fault = $3, updated_at = now() where name = $1 and version = $2`,
    [projection.name, projection.version, fault],
  );
}

/** Those of `streams` of which an event was parked before. */
export async function parkedStreams(
  sql: Sql,
  { name, version }: Projection,
  streams: readonly StreamName[],
): Promise<ReadonlySet<StreamName>> {
  if (streams.length === 0) return new Set();
  const found = await sql.query(
    `select distinct stream from projection_parked
     where projection = $1 and version = $2 and stream = any($3::text[])`,
    [name, version, [...new Set(streams)]],
  );
  return new Set(found.rows.map(({ stream }) => stream as StreamName));
}

export async function park(
  sql: Sql,
  { name, version }: Projection,
  parked: readonly ParkedEvent[],
): Promise<void> {
  if (parked.length === 0) return;
  const rows = parked.map(({ event: { stream, position, version: stream_version }, error }) => ({
    stream,
    stream_version,
    position,
    error,
  }));
  await sql.query(
    `insert into projection_parked (projection, version, stream, stream_version, position, error)
     select $1, $2, stream, stream_version, position, error
     from json_to_recordset($3::json) as r(stream text, stream_version bigint, position bigint, error text)`,
    [name, version, JSON.stringify(rows)],
  );
}

/** Drops what retired versions left behind, and then their records. */
export async function dropRetired(sql: Sql, name: string): Promise<void> {
  for (const { version, state, tables } of await recordsOf(sql, name)) {
    if (state !== 'retired') continue;
    for (const table of tables)
      await sql.query(
        `drop table if exists ${versionedTable({ name: table }, version)}, ${pastTable({ name: table }, version)}`,
      );
    const key = [name, version];
    await sql.query('delete from projection_parked where projection = $1 and version = $2', key);
    await sql.query('delete from projection_moment where projection = $1 and version = $2', key);
    await sql.query('delete from projection where name = $1 and version = $2', key);
  }
}
