import { Pool, types, type PoolClient, type PoolConfig } from 'pg';
import { DataSource } from 'typeorm';
import { entityOf } from './tables/entity-schema';
import type { Projection } from './projection';
import type { Sql } from './tables/table-sql';

export interface DatabaseOptions {
  readonly url: string;
  /** The context's own schema; it exists and the role of `url` may create tables in it. */
  readonly schema: string;
  readonly applicationName?: string;
  /** Connections for questions, time travel included; default 6. */
  readonly readConnectionsMax?: number;
  /** Connections for projectors; default one per projection, at most 4. */
  readonly writeConnectionsMax?: number;
  /** A question's single statement may take this long; default 15,000. */
  readonly readTimeoutMs?: number;
  /** A projector's single statement may take this long; default 60,000. */
  readonly writeTimeoutMs?: number;
}

export const READ_CONNECTIONS_MAX = 6;

const CONNECT_TIMEOUT_MS = 5_000;
/** A frozen process must not hold a projection's lock for ever. */
const IDLE_IN_TRANSACTION_MS = 60_000;
const BIGINT = 20;
const TIMESTAMPTZ = 1184;

/** `bigint` as a number, `timestamptz` as an ISO string: in entities and in plain SQL alike. */
export const rowTypes = {
  getTypeParser(oid: number, format?: 'text' | 'binary'): (text: string) => unknown {
    if (oid === BIGINT) return Number;
    if (oid === TIMESTAMPTZ) return isoOf;
    return types.getTypeParser(oid, format as 'text');
  },
};

const parseTime = types.getTypeParser(TIMESTAMPTZ, 'text') as (text: string) => unknown;

function isoOf(text: string): unknown {
  const time = parseTime(text);
  return time instanceof Date ? time.toISOString() : time;
}

export function openWritePool(
  options: DatabaseOptions,
  projections: number,
  onFault: OnFault,
): Pool {
  const pool = new Pool({
    ...connection(options, options.writeTimeoutMs ?? 60_000),
    connectionString: options.url,
    max: options.writeConnectionsMax ?? Math.min(projections, 4),
  });
  pool.on('error', onFault);
  return pool;
}

type OnFault = (fault: Error) => void;

export function readDataSource(
  options: DatabaseOptions,
  projections: readonly Projection[],
  onFault: OnFault,
): DataSource {
  return new DataSource({
    type: 'postgres',
    url: options.url,
    entities: projections.flatMap(({ tables }) => tables.map(entityOf)),
    synchronize: false,
    migrationsRun: false,
    installExtensions: false,
    logging: false,
    poolSize: options.readConnectionsMax ?? READ_CONNECTIONS_MAX,
    connectTimeoutMS: CONNECT_TIMEOUT_MS,
    poolErrorHandler: onFault,
    extra: connection(options, options.readTimeoutMs ?? 15_000),
  });
}

function connection(options: DatabaseOptions, timeoutMs: number): PoolConfig {
  return {
    application_name: options.applicationName ?? `${options.schema} read models`,
    // Names without a schema are looked up in `pg_temp` first: time travel and verify rely on it.
    options: `-c search_path=${options.schema} -c timezone=UTC`,
    types: rowTypes as never,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    statement_timeout: timeoutMs,
    // The server gives up first, so that the connection stays usable.
    query_timeout: timeoutMs + 5_000,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
  };
}

/** Runs `work` in one transaction; a connection whose rollback fails is thrown away. */
export async function inTransaction<Result>(
  pool: Pool,
  work: (sql: Sql) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // A lost connection is reported by the query that meets it; without a listener it would end the process.
  const onError = (fault: Error): void => void (broken = fault);
  client.on('error', onError);
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (fault) {
    broken ??= await rollbackFault(client);
    throw fault;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

async function rollbackFault(client: PoolClient): Promise<Error | undefined> {
  try {
    await client.query('rollback');
    return undefined;
  } catch (fault) {
    return fault instanceof Error ? fault : new Error(String(fault));
  }
}
