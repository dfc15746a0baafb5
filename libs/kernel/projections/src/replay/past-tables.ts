import type { Position, StreamName } from '@downbeat/eventsourcing';
import { isMissingTable } from '../database-faults';
import type { Projection } from '../projection';
import { momentBefore, PAST_COLUMNS, type PastRecord } from '../projector/past-records';
import { TableSet } from '../rows/table-set';
import { versionedTable } from '../tables/definition';
import { pastTable, pastViewSql } from '../tables/past-sql';
import { createTableSql, type Sql } from '../tables/table-sql';
import { shapeOf, type TableShape } from '../tables/table-shape';

/** The tables as they were at a moment, and where the log goes on from there. */
export interface PastTables {
  readonly from: Position;
  readonly parked: ReadonlySet<StreamName>;
  /** To fold what comes behind `from` into; what is there already is not touched. */
  readonly newer: () => Promise<TableSet>;
}

const newRows = ({ name }: TableShape): string => `pg_temp."_${name}"`;
const newKeys = ({ name }: TableShape): string => `pg_temp."_${name}_key"`;

/**
 * Lays views over what is kept, under the names that questions use, in a transaction that has read
 * nothing yet.
 *
 * @returns Undefined when the moment is older than what is kept.
 */
export async function layPastTables(
  sql: Sql,
  projection: Projection,
  at: Position,
): Promise<PastTables | undefined> {
  const { name, version } = projection;
  const shapes = projection.tables.map(shapeOf);
  const live = (shape: TableShape) => versionedTable(shape, version);
  const past = (shape: TableShape) => pastTable(shape, version);
  if (
    !(await holdTables(
      sql,
      shapes.flatMap((shape) => [live(shape), past(shape)]),
    ))
  )
    return undefined;
  const found = await sql.query(
    `select state, checkpoint, ${PAST_COLUMNS} from projection where name = $1 and version = $2`,
    [name, version],
  );
  const record: (PastRecord & { state: string; checkpoint: Position }) | undefined = found.rows[0];
  if (record === undefined || record.state === 'retired') return undefined;
  if (record.past_through !== record.checkpoint || at < record.past_from) return undefined;

  const before = await momentBefore(sql, projection, at);
  // Earlier releases noted no moment before the first batch: of a place within it nothing is kept.
  if (before === undefined && record.past_from !== record.checkpoint) return undefined;
  // Where the past begins may be within a batch: then that moment is kept, and folded on from there.
  const moment = before?.position ?? record.past_from;
  const from = Math.min(at, before?.quiet_through ?? record.past_from);
  const lay = async (isNewer: boolean): Promise<void> => {
    const views = shapes.map((shape) =>
      pastViewSql(shape, {
        ...{ live: live(shape), past: past(shape), moment },
        ...(isNewer && { newer: { rows: newRows(shape), keys: newKeys(shape) } }),
      }),
    );
    await sql.query(views.join(';\n'));
  };
  await lay(false);
  return {
    from,
    parked: await parkedBy(sql, projection, from),
    newer: async () => {
      const tables = shapes.map(
        (shape) =>
          `${createTableSql(shape, newRows(shape), true)};
           create temporary table ${newKeys(shape)} (key text primary key) on commit drop`,
      );
      await sql.query(tables.join(';\n'));
      await lay(true);
      return newerTables(projection);
    },
  };
}

/** Reads through the views, writes beside them. */
function newerTables(projection: Projection): TableSet {
  return new TableSet(projection, newRows, {
    source: ({ name }) => `pg_temp."${name}"`,
    onWritten: async (sql, shape, keys) => {
      await sql.query(
        `insert into ${newKeys(shape)} select unnest($1::text[]) on conflict do nothing`,
        [keys],
      );
    },
  });
}

/** In repeatable read it must come before the first SELECT. @returns False when there are none (any more). */
async function holdTables(sql: Sql, tables: readonly string[]): Promise<boolean> {
  try {
    await sql.query(`lock table ${tables.join(', ')} in access share mode`);
    return true;
  } catch (fault) {
    if (isMissingTable(fault)) return false;
    throw fault;
  }
}

async function parkedBy(
  sql: Sql,
  { name, version }: Projection,
  position: Position,
): Promise<ReadonlySet<StreamName>> {
  const found = await sql.query(
    `select distinct stream from projection_parked
     where projection = $1 and version = $2 and position <= $3`,
    [name, version, position],
  );
  return new Set(found.rows.map(({ stream }) => stream as StreamName));
}
