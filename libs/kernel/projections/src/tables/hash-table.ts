import { createHash } from 'node:crypto';
import { canonicalJson } from './canonical';
import { selectRowsSql, type Sql } from './table-sql';
import type { TableShape } from './table-shape';

export interface TableHash {
  readonly rows: number;
  /** sha256 over the rows in the order of their keys, each as canonical JSON on its own line. */
  readonly hash: string;
}

const PAGE_ROWS = 2_000;

export async function hashTable(sql: Sql, shape: TableShape, target: string): Promise<TableHash> {
  const hash = createHash('sha256');
  let rows = 0;
  await sql.query(
    `declare rows_to_hash no scroll cursor for ${selectRowsSql(shape, target)} order by "${shape.key}"`,
  );
  for (;;) {
    const page = await sql.query(`fetch ${PAGE_ROWS} from rows_to_hash`);
    for (const row of page.rows) hash.update(`${canonicalJson(row)}\n`);
    rows += page.rows.length;
    if (page.rows.length < PAGE_ROWS) break;
  }
  await sql.query('close rows_to_hash');
  return { rows, hash: hash.digest('hex') };
}

/** Of every table that a session sees under its own name. */
export async function hashesOf(
  sql: Sql,
  shapes: readonly TableShape[],
  target: (shape: TableShape) => string,
): Promise<readonly TableHash[]> {
  const hashes: TableHash[] = [];
  for (const shape of shapes) hashes.push(await hashTable(sql, shape, target(shape)));
  return hashes;
}
