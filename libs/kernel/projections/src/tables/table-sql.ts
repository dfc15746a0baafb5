import type { TableShape } from './table-shape';

/** The part of a `pg` client that is needed here; rows are mapped where they are read. */
export interface Sql {
  query(
    text: string,
    values?: unknown[],
  ): // eslint-disable-next-line @typescript-eslint/no-explicit-any -- rows come untyped from the driver
  Promise<{ readonly rows: any[]; readonly rowCount: number | null }>;
}

/** The batch that a row is from, by its last position. A constant default: adding it rewrites no table. */
const SINCE_COLUMN = '"_since" bigint not null default 0';

export const addSinceSql = (target: string): string =>
  `alter table ${target} add column if not exists ${SINCE_COLUMN}`;

/** @param target Quoted name of the table: a version's, or one in `pg_temp`. */
export function createTableSql(shape: TableShape, target: string, temporary = false): string {
  const columns = shape.columns.map(({ name, kind, isNullable }) => {
    const constraint = name === shape.key ? ' primary key' : isNullable ? '' : ' not null';
    return `"${name}" ${kind.sql}${constraint}`;
  });
  const create = temporary ? 'create temporary table' : 'create table';
  const ending = temporary ? ' on commit drop' : '';
  if (!temporary) columns.push(SINCE_COLUMN);
  return [
    `${create} ${target} (${columns.join(', ')})${ending}`,
    ...shape.indexes.map((index) => `create index on ${target} (${quoted(index).join(', ')})`),
  ].join(';\n');
}

export const selectRowsSql = (shape: TableShape, target: string): string =>
  `select ${columnList(shape)} from ${target}`;

export const preloadSql = (shape: TableShape, target: string): string =>
  `${selectRowsSql(shape, target)} where "${shape.key}" = any($1::text[])`;

export const deleteSql = (shape: TableShape, target: string): string =>
  `delete from ${target} where "${shape.key}" = any($1::text[])`;

/**
 * One statement for any number of rows, given as one JSON array.
 *
 * @param isDated The second parameter says since when the rows are so.
 */
export function upsertSql(shape: TableShape, target: string, isDated = false): string {
  const values = shape.columns.map(({ name, isJson }) => `"${name}"${isJson ? '::json' : ''}`);
  const record = shape.columns.map(({ name, kind }) => `"${name}" ${kind.recordset}`);
  const changes = shape.columns
    .filter(({ name }) => name !== shape.key)
    .map(({ name }) => `"${name}" = excluded."${name}"`);
  if (isDated) changes.push('"_since" = excluded."_since"');
  return `insert into ${target} (${columnList(shape)}${isDated ? ', "_since"' : ''})
    select ${values.join(', ')}${isDated ? ', $2::bigint' : ''} from json_to_recordset($1::json) as r(${record.join(', ')})
    on conflict ("${shape.key}") do ${changes.length > 0 ? `update set ${changes.join(', ')}` : 'nothing'}`;
}

/** A row as a member of `upsertSql`'s array. */
export function rowJson(shape: TableShape, row: Readonly<Record<string, unknown>>): string {
  if (!shape.columns.some(({ isJson }) => isJson)) return JSON.stringify(row);
  const record: Record<string, unknown> = { ...row };
  for (const { name, isJson } of shape.columns)
    if (isJson && record[name] !== null) record[name] = JSON.stringify(record[name]);
  return JSON.stringify(record);
}

export const quoted = (names: readonly string[]): string[] => names.map((name) => `"${name}"`);

export const columnList = (shape: TableShape): string =>
  quoted(shape.columns.map(({ name }) => name)).join(', ');
