import { createHash } from 'node:crypto';
import { canonicalJson } from './canonical';
import { columnKinds } from './column-types';
import { InvalidProjection } from '../errors';
import type { Column, ColumnType, Projection, Table } from '../projection';

const PROJECTION_NAME = /^[a-z][a-z0-9-]{0,62}\.[a-z][a-z0-9-]{0,62}$/;
/** Leaves room for `_v<version>` in the 63 bytes of an identifier. */
const TABLE_NAME = /^[a-z][a-z0-9_]{0,49}$/;
const COLUMN_NAME = /^[a-z][a-z0-9_]{0,62}$/;
const VERSION_MAX = 1_000_000;
const RESERVED_TABLES = ['projection', 'projection_moment', 'projection_parked'];

export const columnType = (column: Column): ColumnType => column.replace('?', '') as ColumnType;

export const isNullable = (column: Column): boolean => column.endsWith('?');

/** The table behind the view `table.name` in one version; quoted, ready for SQL. */
export const versionedTable = (table: Pick<Table, 'name'>, version: number): string =>
  `"${table.name}_v${version}"`;

/** Changes when the shape of the tables does. What the folds do cannot be seen from here. */
export function fingerprint(projection: Projection): string {
  const shape = projection.tables.map(({ name, key, columns, counting, indexes = [] }) => ({
    name,
    key,
    columns,
    indexes,
    ...(counting ? { counting } : {}),
  }));
  return createHash('sha256').update(canonicalJson(shape)).digest('hex');
}

/** @throws {InvalidProjection} With everything that is wrong with the first wrong one. */
export function validateProjections(projections: readonly Projection[]): void {
  const tables = new Map<string, string>();
  const names = new Set<string>();
  for (const projection of projections) {
    const problems = problemsOf(projection);
    if (names.has(projection.name)) problems.push('is listed twice');
    names.add(projection.name);
    for (const { name } of projection.tables) {
      const owner = tables.get(name);
      if (owner !== undefined) problems.push(`table ${name} belongs to ${owner} already`);
      tables.set(name, projection.name);
    }
    if (problems.length > 0) throw new InvalidProjection(projection.name, problems);
  }
}

function problemsOf({ name, version, tables }: Projection): string[] {
  const problems: string[] = [];
  if (!PROJECTION_NAME.test(name)) problems.push('its name must be <context>.<what-it-shows>');
  if (!Number.isInteger(version) || version < 1 || version > VERSION_MAX)
    problems.push(`version must be a whole number from 1 to ${VERSION_MAX}`);
  if (tables.length === 0) problems.push('needs a table');
  for (const table of tables) problems.push(...problemsOfTable(table));
  for (const [at, { name: counts, counting }] of tables.entries()) {
    if (!counting) continue;
    const counted = tables.slice(0, at).find((table) => table.name === counting.of);
    if (!counted) problems.push(`${counts} counts ${counting.of}, which does not come before it`);
    for (const column of counted ? counting.by : [])
      if (counted?.columns[column] !== 'text')
        problems.push(`${counts} counts by ${counting.of}.${column}, which is no text column`);
  }
  return problems;
}

function problemsOfTable(table: Table): string[] {
  const { name, key, columns, indexes = [] } = table;
  const problems: string[] = [];
  if (!TABLE_NAME.test(name) || RESERVED_TABLES.includes(name))
    problems.push(`${name} cannot be the name of a table`);
  for (const [column, type] of Object.entries(columns)) {
    if (!COLUMN_NAME.test(column)) problems.push(`${name}.${column} cannot be a column's name`);
    if (!Object.hasOwn(columnKinds, columnType(type)))
      problems.push(`${name}.${column} has the unknown type ${type}`);
  }
  if (columns[key] !== 'text') problems.push(`the key ${name}.${key} must be of type text`);
  for (const column of indexes.flat())
    if (!Object.hasOwn(columns, column))
      problems.push(`the index on ${name}.${column} has no column`);
    else if (columnType(columns[column] ?? 'json') === 'json')
      problems.push(`${name}.${column} is json and cannot be indexed`);
  return problems;
}
