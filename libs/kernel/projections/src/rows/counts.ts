import type { Row, Table } from '../projection';
import type { TableShape } from '../tables/table-shape';
import { fitRow } from '../tables/table-shape';
import type { RowsByTable } from './fold';

/** How many rows another table has of each kind: one row for each kind there is. */
export type CountRow<By extends string> = { readonly [Name in By]: string } & {
  readonly kind: string;
  readonly count: number;
};

/**
 * A table that counts the rows of `table` by some of its text columns, in the transaction that changes
 * them: to be asked instead of `count(*) … group by`, at the price of one row for each kind that a
 * batch touches.
 */
export const countsOf = <TableRow extends Row, By extends keyof TableRow & string>(
  name: string,
  table: Pick<Table<TableRow, never>, 'name'>,
  by: readonly By[],
): Table<CountRow<By>, never> => ({
  name,
  key: 'kind',
  columns: {
    kind: 'text',
    ...Object.fromEntries(by.map((column) => [column, 'text'])),
    count: 'bigint',
  } as unknown as Table<CountRow<By>, never>['columns'],
  counting: { of: table.name, by },
  on: {},
});

/** By kind: the columns that make it, and how many rows there are more, or fewer. */
export type Differences = ReadonlyMap<string, { readonly columns: Row; readonly by: number }>;

/** What a batch's changes of a table mean for the counts of it; kinds that stay as they are left out. */
export function differencesOf(
  { by }: NonNullable<TableShape['counting']>,
  changed: ReadonlyMap<string, Row | undefined>,
  before: ReadonlyMap<string, Row | undefined>,
): Differences {
  const found = new Map<string, { columns: Row; by: number }>();
  const add = (row: Row | undefined, more: number): void => {
    if (row === undefined) return;
    const columns = Object.fromEntries(by.map((column) => [column, row[column]]));
    const kind = JSON.stringify(Object.values(columns));
    found.set(kind, { columns, by: (found.get(kind)?.by ?? 0) + more });
  };
  for (const [key, row] of changed) {
    const old = before.get(key);
    if (row === old || (row && old && by.every((column) => row[column] === old[column]))) continue;
    add(old, -1);
    add(row, 1);
  }
  return new Map([...found].filter(([, difference]) => difference.by !== 0));
}

/** The rows of a counting table after a batch; of a kind that there are no more of, none. */
export function countedRows(
  shape: TableShape,
  differences: Differences,
  before: RowsByTable[number],
): Map<string, Row | undefined> {
  const rows = new Map<string, Row | undefined>();
  for (const [kind, { columns, by }] of differences) {
    const count = Number(before.get(kind)?.['count'] ?? 0) + by;
    rows.set(kind, count === 0 ? undefined : fitRow(shape, { kind, ...columns, count }, kind));
  }
  return rows;
}
