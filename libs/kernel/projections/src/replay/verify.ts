import type { Position } from '@downbeat/eventsourcing';
import type { DataSource } from 'typeorm';
import { versionedTable } from '../tables/definition';
import { ReadModelBehind } from '../errors';
import type { Limiter } from './limiter';
import type { LogReader } from '../projector/log-reader';
import type { Projection } from '../projection';
import { inReadTransaction } from '../read/read-transaction';
import { recordsOf } from '../projector/records';
import { hashesAt, someMoments } from './past-moments';
import { replay, type Replayed } from './replay';
import { RowCache } from '../rows/row-cache';
import { TableSet } from '../rows/table-set';
import { hashesOf, type TableHash } from '../tables/hash-table';
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
  /** Some past moments, chosen by chance: whether what is kept of them is what the rebuild had there. */
  readonly moments: readonly { readonly position: Position; readonly is_equal: boolean }[];
}

export interface VerifyOptions {
  readonly source: DataSource;
  readonly reader: LogReader;
  readonly limiter: Limiter;
  /** From when it is asked for, standing in line included; default 600,000. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 600_000;
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
  const deadlineMs = Date.now() + (options.timeoutMs ?? TIMEOUT_MS);
  return options.limiter.run(async () => {
    const shapes = projection.tables.map(shapeOf);
    const live = await liveHashes(projection, shapes, options.source);
    const some = await someMoments(options.source, projection);
    const { hashes, moments } = await rebuiltHashes(
      projection,
      shapes,
      live.position,
      some,
      options,
      deadlineMs,
    );
    const tables = shapes.map(({ name }, at) => ({
      table: name,
      rows: live.hashes[at]?.rows ?? 0,
      live_hash: live.hashes[at]?.hash ?? '',
      rebuilt_hash: hashes[at]?.hash ?? '',
    }));
    return {
      name: projection.name,
      is_equal:
        tables.every(({ live_hash, rebuilt_hash }) => live_hash === rebuilt_hash) &&
        moments.every(({ is_equal }) => is_equal),
      position: live.position,
      tables,
      moments,
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
    const hashes = await hashesOf(sql, shapes, (shape) => versionedTable(shape, version));
    return { position: live.checkpoint, hashes };
  });
}

interface Rebuilt {
  readonly hashes: readonly TableHash[];
  readonly moments: Verification['moments'];
}

/**
 * @param moments In order; looked at on the way.
 * @param deadlineMs Epoch milliseconds.
 */
async function rebuiltHashes(
  projection: Projection,
  shapes: readonly TableShape[],
  position: Position,
  moments: readonly Position[],
  { source, reader }: VerifyOptions,
  deadlineMs: number,
): Promise<Rebuilt> {
  // Before the rebuild begins: one connection at a time, and no transaction that idles meanwhile.
  const kept = new Map<Position, readonly TableHash[]>();
  for (const moment of moments.filter((one) => one <= position)) {
    const hashes = await hashesAt({ source, reader }, projection, moment, deadlineMs);
    if (hashes !== undefined) kept.set(moment, hashes);
  }
  return inReadTransaction(source, async ({ sql }) => {
    const cache = new RowCache(shapes.length, CACHE_BYTES_MAX, true);
    const tables = new TableSet(projection, ({ name }) => `pg_temp."${name}"`, { cache });
    await tables.createTemporary(sql);
    const rebuilt = () => hashesOf(sql, shapes, ({ name }) => `pg_temp."${name}"`);
    const looked: { position: Position; is_equal: boolean }[] = [];
    let reached: Replayed = { position: 0, parked: new Set() };
    for (const [moment, hashes] of kept) {
      reached = await replay(reader, tables, sql, reached, moment, deadlineMs);
      looked.push({ position: moment, is_equal: areEqual(hashes, await rebuilt()) });
    }
    await replay(reader, tables, sql, reached, position, deadlineMs);
    return { hashes: await rebuilt(), moments: looked };
  });
}

const areEqual = (some: readonly TableHash[], others: readonly TableHash[]): boolean =>
  some.every(({ hash }, at) => hash === others[at]?.hash);
