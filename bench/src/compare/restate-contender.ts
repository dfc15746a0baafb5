import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort, GuardedProcess } from '@downbeat/local-servers';
import { AppProcess } from '@downbeat/test-bench/app-process';
import type { BenchSuite } from '../suite/bench-suite';
import type { ParticipantProcess } from '../suite/participant';
import { WORKSPACE } from '../suite/workspace';
import type { DurableContender, MeasuredProcess } from './contender';
import { PEERS } from './process-contender';
import { assertPaid, orderOf, Refused, RunsClient } from './runs-client';

const READY_MS_MAX = 60_000;
const ASK_EVERY_MS = 20;
const HANDLER = '/bench-order/place';

/**
 * Restate: a server with its own store, and the process of its SDK that does the calls. The settings
 * are its own defaults, fsync too, but for what a machine of its own would not need: ports, a folder,
 * TCP alone, and no reports about its use.
 */
export class RestateContender implements DurableContender {
  readonly isOnPostgres = false;
  private readonly service: AppProcess;
  private server: GuardedProcess | undefined;
  private isRegistered = false;
  private environment: Readonly<Record<string, string>> = {};

  private constructor(
    readonly name: string,
    private readonly partitions: number | undefined,
    private readonly folder: string,
    private readonly ports: {
      readonly ingress: number;
      readonly admin: number;
      readonly node: number;
    },
    private ingress: RunsClient,
    private admin: RunsClient,
  ) {
    this.service = new AppProcess({
      name: 'restate-service',
      program: join(WORKSPACE, PEERS, 'restate.mjs'),
      environment: { NODE_ENV: 'production', RESTATE_LOGGING: 'WARN' },
      logFile: join(folder, 'service.log'),
    });
  }

  /** @param partitions Instead of its default, 24. */
  static async create(
    suite: BenchSuite,
    name: string,
    partitions?: number,
  ): Promise<RestateContender> {
    const [ingress, admin, node] = [await freePort(), await freePort(), await freePort()];
    const ports = { ingress, admin, node };
    const folder = suite.folder(`restate-${partitions ?? 'default'}`);
    return new RestateContender(
      name,
      partitions,
      folder,
      ports,
      clientOf(ingress),
      clientOf(admin),
    );
  }

  async open(target: ParticipantProcess): Promise<void> {
    this.environment = { TARGET_URL: target.url };
    await this.restart();
  }

  async close(): Promise<void> {
    await this.disconnect();
    await this.server?.stop([['SIGTERM', 20_000]]);
    await this.service.stop();
  }

  async run(runId: string): Promise<void> {
    assertPaid(runId, await this.ingress.post(HANDLER, bodyOf(runId), keyOf(runId)));
  }

  async start(runIds: readonly string[]): Promise<void> {
    await Promise.all(
      runIds.map((runId) => this.ingress.post(`${HANDLER}/send`, bodyOf(runId), keyOf(runId))),
    );
  }

  async atRest(): Promise<void> {}

  async ended(runIds: ReadonlySet<string>): Promise<number> {
    const rows = await this.query<{ idempotency_key: string }>(
      `select idempotency_key from sys_invocation
       where status = 'completed' and completion_result = 'success'`,
    );
    return (rows ?? []).filter(({ idempotency_key }) => runIds.has(idempotency_key)).length;
  }

  processes(): readonly MeasuredProcess[] {
    const [server, service] = [this.server?.pid ?? 0, this.service.pid];
    return [
      { name: 'restate-server', pid: server, role: 'part', isEngine: true },
      { name: 'SDK process', pid: service, role: 'part', isEngine: true },
    ];
  }

  async kill(): Promise<void> {
    await this.disconnect();
    await Promise.all([this.server?.stop([['SIGKILL', 10_000]]), this.service.stop('SIGKILL')]);
  }

  async restart(): Promise<void> {
    this.ingress = clientOf(this.ports.ingress);
    this.admin = clientOf(this.ports.admin);
    await this.service.listen(this.environment);
    this.server = await GuardedProcess.spawn({
      command: serverBinary(),
      args: ['--no-logo'],
      env: { PATH: process.env['PATH'], ...this.settings() },
      cwd: this.folder,
      deathSignal: 'SIGKILL',
    });
    const deadline = Date.now() + READY_MS_MAX;
    while (!(await this.isReady())) {
      if (Date.now() > deadline) throw new Error('Restate does not become ready');
      await pause(ASK_EVERY_MS);
    }
    if (!this.isRegistered) await this.admin.post('/deployments', { uri: this.service.url });
    this.isRegistered = true;
  }

  /** It answers, and each partition has a leader. */
  private async isReady(): Promise<boolean> {
    const answers =
      (await this.admin.isHealthy('/health')) && (await this.ingress.isHealthy('/restate/health'));
    if (!answers) return false;
    return (await this.query('select count(*) as n from sys_invocation')) !== undefined;
  }

  /** @returns Undefined while it cannot ask all partitions, as for some time after a crash. */
  private async query<Row>(query: string): Promise<readonly Row[] | undefined> {
    try {
      const { rows } = (await this.admin.post('/query', { query })) as { rows: readonly Row[] };
      return rows;
    } catch (fault) {
      if (fault instanceof Refused) return undefined;
      throw fault;
    }
  }

  private async disconnect(): Promise<void> {
    await Promise.all([this.ingress.close(), this.admin.close()]);
  }

  private settings(): Record<string, string> {
    const at = (port: number) => `127.0.0.1:${port}`;
    return {
      RESTATE_INGRESS__BIND_ADDRESS: at(this.ports.ingress),
      RESTATE_ADMIN__BIND_ADDRESS: at(this.ports.admin),
      RESTATE_BIND_ADDRESS: at(this.ports.node),
      RESTATE_ADVERTISED_ADDRESS: `http://${at(this.ports.node)}/`,
      RESTATE_NODE_NAME: 'bench',
      RESTATE_BASE_DIR: join(this.folder, 'data'),
      RESTATE_LISTEN_MODE: 'tcp',
      RESTATE_DISABLE_TELEMETRY: 'true',
      RESTATE_LOG_FILTER: 'warn',
      ...(this.partitions !== undefined && {
        RESTATE_DEFAULT_NUM_PARTITIONS: String(this.partitions),
      }),
    };
  }
}

const clientOf = (port: number) => new RunsClient(`http://127.0.0.1:${port}`);
const bodyOf = (runId: string) => ({ run_id: runId, order: orderOf(runId) });
const keyOf = (runId: string) => ({ 'idempotency-key': runId });

/** npm installs the one for this machine. */
const serverBinary = (): string =>
  createRequire(join(WORKSPACE, PEERS, 'package.json')).resolve(
    `@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`,
  );
