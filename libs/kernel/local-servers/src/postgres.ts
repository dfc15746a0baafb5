import { Client } from 'pg';
import { prepareDataDir, saysNoSpace } from './data-dir';
import { DiskFull, PortInUse, ServerNotStarted } from './errors';
import { freePort, isPortFree } from './free-port';
import { endsWithin, GuardedProcess } from './guarded-process';
import { postgresBinaries, type PostgresBinaries } from './postgres-binaries';
import {
  openCluster,
  seenByServer,
  serverEnvironment,
  serverUser,
  type Cluster,
  whyItEnded,
} from './postgres-cluster';
import type { RunningServer } from './running-server';

export interface PostgresOptions {
  /** Made when missing. Holds the cluster and, readable by its owner only, the password. */
  readonly dataDir: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Made when missing; the first is the one `url` names. Default: `postgres`. */
  readonly databases?: readonly string[];
  /** Parameters of postgresql.conf, over the defaults here. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Default 60,000. */
  readonly startWithinMs?: number;
  /** Default 300 MB. */
  readonly freeBytesMin?: number;
  /** Each line the server says. */
  readonly log?: (line: string) => void;
}

const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '300',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

const FREE_BYTES_MIN = 300 * 1024 * 1024;
const START_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 8_000;
const RETRY_EVERY_MS = 100;
const ASK_EVERY_MS = 20;
const LINES_KEPT_MAX = 200;

/**
 * Starts PostgreSQL on 127.0.0.1 over the data in `dataDir`, with scram passwords, durable as by
 * default. It ends with this process, however that ends.
 *
 * @returns When it answers. `url` is the superuser's.
 * @throws {LocalServerError} One of PortInUse, BinaryMissing, DiskFull, DataDirNotWritable,
 *         DataDirInUse, ServerNotStarted.
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningServer> {
  await prepareDataDir('PostgreSQL', options.dataDir, options.freeBytesMin ?? FREE_BYTES_MIN);
  const binaries = await postgresBinaries(serverUser());
  const deadline = Date.now() + (options.startWithinMs ?? START_WITHIN_MS);
  const cluster = await openCluster(options.dataDir, binaries, serverUser(), deadline, options.log);

  for (;;) {
    const port = options.port ?? (await freePort());
    if (!(await isPortFree(port))) throw new PortInUse('PostgreSQL', port);

    const launched = await launch(options, binaries, cluster, port, deadline);
    if ('server' in launched) return running(options, launched.server, cluster, port);
    const isWorthAnother = launched.passes && Date.now() < deadline;
    if (!isWorthAnother) throw launched.failure;
    await new Promise((resolve) => setTimeout(resolve, RETRY_EVERY_MS));
  }
}

type Launched =
  | { readonly server: GuardedProcess }
  /** `passes`: the cause goes away by itself, or with another port. */
  | { readonly failure: Error; readonly passes: boolean };

async function launch(
  options: PostgresOptions,
  binaries: PostgresBinaries,
  cluster: Cluster,
  port: number,
  deadline: number,
): Promise<Launched> {
  const lines: string[] = [];
  let isUp = false;
  const server = await spawnServer(options, binaries, cluster, port, (line) => {
    isUp ||= line.includes('ready to accept connections');
    if (lines.length < LINES_KEPT_MAX) lines.push(line);
    options.log?.(line);
  });
  // Asked before it is up, it would log an error for each question.
  while (!isUp && !server.hasExited && Date.now() < deadline)
    await endsWithin(server.exited, ASK_EVERY_MS);
  if (isUp && !server.hasExited) {
    try {
      await makeDatabases(cluster, port, databasesOf(options));
      return { server };
    } catch (cause) {
      await server.stop([['SIGINT', 1_000]]);
      const reason = 'it cannot be asked with the password in its data directory';
      return { failure: new ServerNotStarted('PostgreSQL', reason, { cause }), passes: false };
    }
  }
  const isTooSlow = !server.hasExited;
  await server.stop([['SIGQUIT', 1_000]]);
  await server.drained();
  if (isTooSlow) lines.unshift('FATAL: it did not answer in time');
  return failureOf(lines, options, port);
}

function spawnServer(
  options: PostgresOptions,
  binaries: PostgresBinaries,
  cluster: Cluster,
  port: number,
  onLine: (line: string) => void,
): Promise<GuardedProcess> {
  const user = serverUser();
  const parameters = Object.entries({ ...SETTINGS, ...options.settings });
  return GuardedProcess.spawn({
    command: binaries.postgres,
    args: [
      ...['-D', seenByServer(cluster.directory), '-p', `${port}`],
      ...parameters.flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    env: serverEnvironment(binaries),
    cwd: cluster.directory,
    ...(user ? { user } : {}),
    deathSignal: 'SIGINT',
    onLine,
  });
}

function failureOf(lines: readonly string[], options: PostgresOptions, port: number): Launched {
  if (lines.some(saysNoSpace))
    return { failure: new DiskFull('PostgreSQL', options.dataDir), passes: false };
  if (lines.some((line) => /could not bind|address already in use/i.test(line)))
    return { failure: new PortInUse('PostgreSQL', port), passes: options.port === undefined };
  // The backends of a killed server take a moment to notice that it is gone.
  const passes = lines.some((line) => line.includes('pre-existing shared memory block'));
  return { failure: new ServerNotStarted('PostgreSQL', whyItEnded(lines)), passes };
}

function running(
  options: PostgresOptions,
  server: GuardedProcess,
  cluster: Cluster,
  port: number,
): RunningServer {
  const [database] = databasesOf(options);
  return {
    pid: server.pid,
    port,
    url: `postgres://postgres:${cluster.password}@127.0.0.1:${port}/${database}`,
    exited: server.exited,
    stop: async (withinMs = STOP_WITHIN_MS) => {
      // Fast shutdown, then immediate shutdown, which the next start repairs from the log.
      await server.stop([
        ['SIGINT', withinMs * 0.75],
        ['SIGQUIT', withinMs * 0.25],
      ]);
    },
  };
}

const databasesOf = ({ databases = [] }: PostgresOptions): readonly string[] =>
  databases.length === 0 ? ['postgres'] : databases;

const makeDatabases = (cluster: Cluster, port: number, names: readonly string[]): Promise<void> =>
  withClient(cluster, port, async (client) => {
    for (const name of names) await makeDatabase(client, name);
  });

async function makeDatabase(client: Client, name: string): Promise<void> {
  const found = await client.query('select from pg_database where datname = $1', [name]);
  if (found.rowCount === 0) await client.query(`create database ${client.escapeIdentifier(name)}`);
}

async function withClient<Result>(
  { password }: Cluster,
  port: number,
  use: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = new Client({
    ...{ host: '127.0.0.1', port, user: 'postgres', password, database: 'postgres' },
    connectionTimeoutMillis: 5_000,
    query_timeout: 30_000,
  });
  // Losing the connection between two queries is an event, which nobody else listens to.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
