import { createHash } from 'node:crypto';
import type { Position } from '@downbeat/eventsourcing';
import type { DataSource } from 'typeorm';
import { canonicalJson } from '../tables/canonical';
import { versionedTable } from '../tables/definition';
import { ReadModelBehind } from '../errors';
import type { Limiter } from './limiter';
import type { LogReader } from '../projector/log-reader';
import type { Projection } from '../projection';
import { inReadTransaction } from '../read/read-transaction';
import { recordsOf } from '../projector/records';
import { replay } from './replay';
import { RowCache } from '../rows/row-cache';
import { TableSet } from '../rows/table-set';
import { selectRowsSql, type Sql } from '../tables/table-sql';
import { shapeOf, type TableShape } from '../tables/table-shape';

/** The live tables beside a rebuild of them from the log, as hashes. */
export interface Verification {
  readonly name: string;
  readonly is_equal: boolean;
  /** Both are the state after this position. */
  readonly position: Position;
  readonly tables: readonly {
    readonly table: string;
    /** Live rows. */
    readonly rows: number;
    /** sha256 over the rows in the order of their keys, each as canonical JSON on its own line. */
    readonly live_hash: string;
    readonly rebuilt_hash: string;
  }[];
}

export interface VerifyOptions {
  readonly source: DataSource;
  readonly reader: LogReader;
  readonly limiter: Limiter;
  /** Default 600,000. */
  readonly timeoutMs?: number;
}

interface TableHash {
  readonly rows: number;
  readonly hash: string;
}

const PAGE_ROWS = 2_000;
const CACHE_BYTES_MAX = 32_000_000;

/**
 * Rebuilds a read model in temporary tables up to its live checkpoint and compares. The live
 * projector goes on meanwhile: the live rows and the checkpoint are read in one snapshot.
 *
 * @throws {ReadModelBehind} It is being built for the first time.
 * @throws {RebuildsOverloaded} It took too long, or too many rebuilds run.
 */
export function verifyProjection(
  projection: Projection,
  options: VerifyOptions,
): Promise<Verification> {
  return options.limiter.run(async () => {
    const shapes = projection.tables.map(shapeOf);
    const live = await liveHashes(projection, shapes, options.source);
    const rebuilt = await rebuiltHashes(projection, shapes, live.position, options);
    const tables = shapes.map(({ name }, at) => ({
      table: name,
      rows: live.hashes[at]?.rows ?? 0,
      live_hash: live.hashes[at]?.hash ?? '',
      rebuilt_hash: rebuilt[at]?.hash ?? '',
    }));
    return {
      name: projection.name,
      is_equal: tables.every(({ live_hash, rebuilt_hash }) => live_hash === rebuilt_hash),
      position: live.position,
      tables,
    };
  });
}

function liveHashes(
  projection: Projection,
  shapes: readonly TableShape[],
  source: DataSource,
): Promise<{ position: Position; hashes: readonly TableHash[] }> {
  const { name, version } = projection;
  return inReadTransaction(source, async ({ sql }) => {
    const records = await recordsOf(sql, name);
    const live = records.find((record) => record.state === 'live' && record.version === version);
    if (live === undefined) throw new ReadModelBehind(name, 0, 0);
    const hashes: TableHash[] = [];
    for (const shape of shapes)
      hashes.push(await hashTable(sql, shape, versionedTable(shape, version)));
    return { position: live.checkpoint, hashes };
  });
}

function rebuiltHashes(
  projection: Projection,
  shapes: readonly TableShape[],
  position: Position,
  { source, reader, timeoutMs = 600_000 }: VerifyOptions,
): Promise<readonly TableHash[]> {
  const deadlineMs = Date.now() + timeoutMs;
  return inReadTransaction(source, async ({ sql }) => {
    const cache = new RowCache(shapes.length, CACHE_BYTES_MAX, true);
    const tables = new TableSet(projection, ({ name }) => `pg_temp."${name}"`, { cache });
    await tables.createTemporary(sql);
    const nothing = { position: 0, parked: new Set<never>() };
    await replay(reader, tables, sql, nothing, position, deadlineMs);
    const hashes: TableHash[] = [];
    for (const shape of shapes) hashes.push(await hashTable(sql, shape, `pg_temp."${shape.name}"`));
    return hashes;
  });
}

async function hashTable(sql: Sql, shape: TableShape, target: string): Promise<TableHash> {
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
