import type { Position } from '@downbeat/eventsourcing';
import { columnList, quoted } from './table-sql';
import type { Table } from '../projection';
import type { TableShape } from './table-shape';

/** Where the rows of one version of a table are kept that are no longer so; quoted, ready for SQL. */
export const pastTable = (table: Pick<Table, 'name'>, version: number): string =>
  `"${table.name}_v${version}_was"`;

/** A row held from `_since` up to, and without, `_until`. No table of a read model has such columns. */
export function createPastSql(shape: TableShape, target: string): string {
  const columns = shape.columns.map(({ name, kind }) => `"${name}" ${kind.sql}`);
  return [
    `create table ${target} (${columns.join(', ')}, "_since" bigint not null, "_until" bigint not null)`,
    `create index on ${target} ("${shape.key}", "_until")`,
    `create index on ${target} ("_until")`,
  ].join(';\n');
}

/**
 * Goes before the statement that changes rows, which both see as they were: keeps those with the
 * keys of parameter `keysAt`. What came with the same batch was never to be seen.
 *
 * @param keysAt The second parameter is the batch's position.
 */
export const keepPastSql = (
  shape: TableShape,
  live: string,
  past: string,
  keysAt: '$1' | '$3',
): string =>
  `with kept as (insert into ${past} (${columnList(shape)}, "_since", "_until")
    select ${columnList(shape)}, "_since", $2::bigint from ${live}
     where "${shape.key}" = any(${keysAt}::text[]) and "_since" < $2::bigint)
   `;

export interface PastView {
  readonly live: string;
  readonly past: string;
  readonly moment: Position;
  /** Rows that came after the moment, and the keys that count for there instead. */
  readonly newer?: { readonly rows: string; readonly keys: string };
}

/** The table as it was after `moment`, under its own name for this session alone. */
export function pastViewSql(shape: TableShape, view: PastView): string {
  const { live, past, moment, newer } = view;
  const columns = columnList(shape);
  const key = quoted([shape.key])[0];
  const hidden = newer
    ? ` and not exists (select from ${newer.keys} k where k.key = r.${key})`
    : '';
  return `create or replace temporary view "${shape.name}" as
    select ${columns} from ${live} r where "_since" <= ${moment}${hidden}
    union all
    select ${columns} from ${past} r where "_since" <= ${moment} and "_until" > ${moment}${hidden}
    ${newer ? `union all select ${columns} from ${newer.rows}` : ''}`;
}
