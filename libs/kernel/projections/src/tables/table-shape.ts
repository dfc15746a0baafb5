import { columnKinds, type ColumnKind } from './column-types';
import { columnType, isNullable } from './definition';
import type { Change, Counting, ignore, Row, Table } from '../projection';

interface ShapeColumn {
  readonly name: string;
  readonly kind: ColumnKind;
  readonly isNullable: boolean;
  readonly isJson: boolean;
}

/** A table definition worked out once: what the hot loop needs of it. */
export interface TableShape {
  readonly name: string;
  readonly key: string;
  readonly columns: readonly ShapeColumn[];
  readonly counting?: Counting;
  readonly indexes: readonly (readonly string[])[];
  readonly on: Readonly<Record<string, Change<Row, never> | typeof ignore>>;
}

export const shapeOf = (table: Table): TableShape => ({
  name: table.name,
  key: table.key,
  columns: Object.entries(table.columns).map(([name, column]) => ({
    name,
    kind: columnKinds[columnType(column)],
    isNullable: isNullable(column),
    isJson: columnType(column) === 'json',
  })),
  ...(table.counting ? { counting: table.counting } : {}),
  indexes: table.indexes ?? [],
  on: table.on as TableShape['on'],
});

/**
 * The row as Postgres would give it back: columns in the table's order, instants with milliseconds.
 * A fold therefore sees the same row whether it was kept in memory or read again.
 *
 * @throws {TypeError} The row does not fit the table.
 */
export function fitRow(shape: TableShape, row: Row, key: string): Row {
  const fitted: Record<string, unknown> = {};
  for (const { name, kind, isNullable } of shape.columns) {
    const value = row[name];
    if (value === null && isNullable) fitted[name] = null;
    else fitted[name] = fitValue(`${shape.name}.${name}`, kind, value);
  }
  if (fitted[shape.key] !== key)
    throw new TypeError(
      `${shape.name}: the row of ${key} has the key ${String(fitted[shape.key])}`,
    );
  for (const name in row)
    if (row[name] !== undefined && !Object.hasOwn(fitted, name))
      throw new TypeError(`${shape.name} has no column ${name}`);
  return fitted;
}

function fitValue(place: string, kind: ColumnKind, value: unknown): unknown {
  try {
    return kind.fit(value);
  } catch (cause) {
    throw new TypeError(`${place} ${cause instanceof Error ? cause.message : 'does not fit'}`, {
      cause,
    });
  }
}
