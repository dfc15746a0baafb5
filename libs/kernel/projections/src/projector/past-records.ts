import type { Position } from '@downbeat/eventsourcing';
import type { Projection } from '../projection';
import type { Sql } from '../tables/table-sql';

/**
 * From where on the rows are kept as they were. `past_through` is where the checkpoint was when that
 * was last so: behind it, somebody who keeps no past has moved it.
 */
export interface PastRecord {
  readonly past_from: Position;
  readonly past_through: Position;
}

export const PAST_COLUMNS = 'past_from, past_through';

/**
 * The batches whose rows can be seen apart: the tables are as they were after `position` up to and
 * with `quiet_through`, since nothing in between changed them.
 */
export const pastRecordsSql = `
  alter table projection
    add column if not exists past_from bigint not null default 0,
    add column if not exists past_through bigint not null default 0;
  create table if not exists projection_moment (
    projection text collate "C" not null,
    version integer not null,
    position bigint not null,
    quiet_through bigint not null,
    primary key (projection, version, position))`;

/** Nothing before `position` is kept. */
export async function restartPast(
  sql: Sql,
  projection: Projection,
  position: Position,
): Promise<void> {
  await forgetMoments(sql, projection);
  await addMoment(sql, projection, position);
}

/** No batch can be seen any more. */
export async function forgetMoments(sql: Sql, { name, version }: Projection): Promise<void> {
  await sql.query('delete from projection_moment where projection = $1 and version = $2', [
    name,
    version,
  ]);
}

/** The first parameters are the name and the version. */
export const addMomentSql = (positionAt: '$3' | '$4'): string =>
  `insert into projection_moment (projection, version, position, quiet_through)
   values ($1, $2, ${positionAt}, ${positionAt})
   on conflict (projection, version, position) do nothing`;

/** What is kept begins here. */
export async function addMoment(
  sql: Sql,
  { name, version }: Projection,
  position: Position,
): Promise<void> {
  await sql.query(addMomentSql('$3'), [name, version, position]);
}

/** A batch changed nothing: what was after the moment before is still so. */
export async function prolongMoment(
  sql: Sql,
  { name, version }: Projection,
  from: Position,
  through: Position,
): Promise<void> {
  await sql.query(
    `with newest as (select max(position) as position from projection_moment
                      where projection = $1 and version = $2),
          prolonged as (update projection_moment m set quiet_through = $4 from newest
                         where m.projection = $1 and m.version = $2 and m.position = newest.position
                     returning 1)
     insert into projection_moment (projection, version, position, quiet_through)
     select $1, $2, $3, $4 where not exists (select from prolonged)`,
    [name, version, from, through],
  );
}

export interface Moment {
  readonly position: Position;
  readonly quiet_through: Position;
}

/** The newest of them up to and with `position`; the place from where the past is kept, before the first. */
export async function momentBefore(
  sql: Sql,
  { name, version }: Projection,
  position: Position,
): Promise<Moment | undefined> {
  const found = await sql.query(
    `select position, quiet_through from projection_moment
     where projection = $1 and version = $2 and position <= $3 order by position desc limit 1`,
    [name, version, position],
  );
  return found.rows[0];
}
