import { join } from 'node:path';
import { AppProcess } from '@downbeat/test-bench/app-process';
import type { BenchSuite } from '../suite/bench-suite';
import type { ParticipantProcess } from '../suite/participant';
import { WORKSPACE } from '../suite/workspace';
import type { Contender, DurableContender, MeasuredProcess } from './contender';
import type { DatabaseServer } from './database-counts';
import { assertPaid, orderOf, RunsClient } from './runs-client';

export const PEERS = join('bench', 'peers');
const DBOS_DATABASE = 'bench_dbos';
const FLOOR_DATABASE = 'bench_floor';

/** One process that is asked over HTTP, with or without a database on the same server. */
class ProcessContender implements Contender {
  protected readonly app: AppProcess;
  protected client = new RunsClient('http://127.0.0.1:1');
  protected environment: Readonly<Record<string, string>> = {};

  constructor(
    readonly name: string,
    program: string,
    protected readonly suite: BenchSuite,
    private readonly databaseUrl?: string,
  ) {
    const environment = {
      NODE_ENV: 'production',
      ...(databaseUrl && { DATABASE_URL: databaseUrl }),
    };
    this.app = new AppProcess({
      name,
      program: join(WORKSPACE, PEERS, program),
      environment,
      logFile: join(suite.folder('peers'), `${program}.log`),
    });
  }

  get isOnPostgres(): boolean {
    return this.databaseUrl !== undefined;
  }

  async open(target: ParticipantProcess): Promise<void> {
    this.environment = { TARGET_URL: target.url };
    await this.begin();
  }

  async close(): Promise<void> {
    await this.client.close();
    await this.app.stop();
  }

  async run(runId: string): Promise<void> {
    const answer = await this.client.post('/runs', { run_id: runId, order: orderOf(runId) });
    assertPaid(runId, answer);
  }

  async atRest(): Promise<void> {}

  ended(_: ReadonlySet<string>): Promise<number | undefined> {
    return Promise.resolve(undefined);
  }

  processes(): readonly MeasuredProcess[] {
    const { pid } = this.app;
    return [
      { name: 'its process', pid, role: 'part', isEngine: true },
      ...(this.isOnPostgres ? [postgresOf(this.suite)] : []),
    ];
  }

  protected async begin(): Promise<void> {
    await this.app.listen(this.environment);
    this.client = new RunsClient(this.app.url);
  }
}

export const postgresOf = (suite: BenchSuite): MeasuredProcess => ({
  ...{ name: 'Postgres', pid: suite.postgres.pid, role: 'part', isEngine: false },
});

/** DBOS: a library in the process that does the calls, with its state in Postgres. */
class DbosContender extends ProcessContender implements DurableContender {
  constructor(
    suite: BenchSuite,
    private readonly server: DatabaseServer,
  ) {
    super('DBOS', 'dbos.mjs', suite, server.urlOf(DBOS_DATABASE));
  }

  async start(runIds: readonly string[]): Promise<void> {
    const start = (runId: string) =>
      this.client.post('/runs?wait=no', { run_id: runId, order: orderOf(runId) });
    await Promise.all(runIds.map(start));
  }

  override async ended(runIds: ReadonlySet<string>): Promise<number> {
    const query = `select workflow_uuid as value from dbos.workflow_status
                   where workflow_uuid = any($1) and status = 'SUCCESS'`;
    return (await this.server.column(DBOS_DATABASE, query, [[...runIds]])).length;
  }

  async kill(): Promise<void> {
    await this.client.close();
    await this.app.stop('SIGKILL');
  }

  restart(): Promise<void> {
    return this.begin();
  }
}

/** Makes the database; DBOS makes its tables in it. */
export async function dbos(suite: BenchSuite, server: DatabaseServer): Promise<DurableContender> {
  await server.make(DBOS_DATABASE);
  return new DbosContender(suite, server);
}

/** Nothing but the calls. */
export const bareCalls = (suite: BenchSuite): Contender =>
  new ProcessContender('calls alone', 'floor.mjs', suite);

/** The calls with three writes, which runs share commits for. */
export async function writesToo(suite: BenchSuite, server: DatabaseServer): Promise<Contender> {
  await server.make(FLOOR_DATABASE);
  return new ProcessContender('calls + 3 writes', 'floor.mjs', suite, server.urlOf(FLOOR_DATABASE));
}
