import { join } from 'node:path';
import { endsWithin, freePort, isPortFree, systemCode } from '@downbeat/local-servers';
import { launchApp } from './app-process';
import { Complaints } from './complaints';
import { configurationKeyFile } from './configuration-key';
import { prepareDataDir } from './data-dir';
import { DataDirLock } from './data-dir-lock';
import { environmentOf, type Addresses } from './environment';
import { LogFile } from './log-file';
import { checkNats } from './nats-answers';
import { rolePasswords } from './role-passwords';
import { RunFile } from './run-file';
import { launchNats, launchPostgres, withoutPassword, type Server } from './servers';
import type { Settings } from './settings';
import { seconds, SupervisedProcess, type Running } from './supervised-process';
import { SuiteError } from './suite-error';
import { STAGES, type AppPlan } from './topology';

const READY_WITHIN_MS = 90_000;
const LOOK_AROUND_EVERY_MS = 10_000;
/** Together less than the 10 s in which the suite promises to be gone. */
const STOP_WITHIN_MS = { demo: 1_500, gateway: 2_000, app: 3_500, server: 2_500 } as const;

export interface SuiteOptions {
  readonly settings: Settings;
  readonly plans: readonly AppPlan[];
  /** The environment that the processes inherit, less what they must not know. */
  readonly environment: NodeJS.ProcessEnv;
  readonly migrate: (databaseUrl: string, passwords: Record<string, string>) => Promise<void>;
  /** A line for the person at the terminal. */
  readonly say: (line: string) => void;
}

interface Member {
  readonly stage: keyof typeof STOP_WITHIN_MS;
  readonly process: SupervisedProcess;
  readonly log: LogFile;
  readonly complaints: Complaints;
}

/** All processes of one data directory: started in order, kept running, stopped in reverse order. */
export class Suite {
  private readonly members: Member[] = [];
  private readonly runFile: RunFile;
  private lock: DataDirLock | undefined;
  private addresses: Addresses | undefined;
  private digests: NodeJS.Timeout | undefined;
  private stopped: Promise<void> | undefined;
  private isRunFileTrue = true;

  constructor(private readonly options: SuiteOptions) {
    this.runFile = new RunFile(options.settings.dataDir);
  }

  /**
   * @returns The gateway's URL, when every process is ready.
   * @throws {SuiteError | LocalServerError} One sentence says what is in the way. Call `stop` then.
   */
  async start(): Promise<string> {
    const { settings, plans, say } = this.options;
    prepareDataDir(settings.dataDir);
    this.lock = DataDirLock.take(settings.dataDir);
    this.runFile.remove();
    const gatewayPort = await this.gatewayPort();
    if (settings.natsUrl !== undefined) await checkNats(settings.natsUrl);
    this.digests = setInterval(() => this.lookAround(), LOOK_AROUND_EVERY_MS);

    const [databaseUrl, natsUrl] = await this.startServers();
    const passwords = rolePasswords(
      settings.dataDir,
      plans.flatMap(({ contexts }) => contexts),
    );
    await this.step('migrations', () => this.migrate(databaseUrl, passwords));

    const { logLevel, dataDir } = settings;
    this.addresses = {
      ...{ databaseUrl, natsUrl, gatewayPort, passwords, logLevel, dataDir },
      configurationKeyFile: configurationKeyFile(dataDir),
    };
    // All at once: the apps need nothing of one another to start, and the machine has time to spare.
    const addresses = this.addresses;
    await Promise.all(
      STAGES.flatMap((stage) => plans.filter((plan) => plan.stage === stage)).map((plan) =>
        this.step(plan.name, () => this.startApp(plan, addresses)),
      ),
    );
    this.writeRunFile();
    say(`logs in ${join(settings.dataDir, 'logs')}`);
    say(`NATS at ${withoutPassword(natsUrl)} (nats_url in ${this.runFile.path})`);
    return `http://127.0.0.1:${gatewayPort}`;
  }

  get isStopping(): boolean {
    return this.stopped !== undefined;
  }

  /** Ends everything that was started, within 10 s. Safe to call at any time, and again. */
  stop(): Promise<void> {
    return (this.stopped ??= this.stopInOrder());
  }

  private async stopInOrder(): Promise<void> {
    for (const stage of ['demo', 'gateway', 'app', 'server'] as const) {
      const members = this.members.filter((member) => member.stage === stage);
      await Promise.all(members.map(({ process }) => process.stop(STOP_WITHIN_MS[stage])));
    }
    clearInterval(this.digests);
    for (const { log } of this.members) log.close();
    // Without the lock the directory, and what is said in it, are another suite's.
    if (this.lock) this.runFile.remove();
    this.lock?.release();
  }

  private async gatewayPort(): Promise<number> {
    const port = this.options.settings.gatewayPort || (await freePort());
    if (await isPortFree(port)) return port;
    throw new SuiteError(
      `the gateway cannot listen on 127.0.0.1:${port} because another process does; set GATEWAY_PORT to a free port`,
    );
  }

  private async migrate(databaseUrl: string, passwords: Record<string, string>): Promise<void> {
    try {
      await this.options.migrate(databaseUrl, passwords);
    } catch (cause) {
      const reason = (cause instanceof Error && cause.message) || systemCode(cause);
      throw new SuiteError(`the database could not be migrated: ${reason}`, { cause });
    }
  }

  private startServers(): Promise<[databaseUrl: string, natsUrl: string]> {
    const { settings } = this.options;
    return Promise.all([
      settings.databaseUrl ?? this.startServer('postgres', launchPostgres),
      settings.natsUrl ?? this.startServer('nats', launchNats),
    ]);
  }

  /** After a restart it has the same address: nobody has to be told. */
  private async startServer(name: 'postgres' | 'nats', launch: Server): Promise<string> {
    const { settings, say } = this.options;
    let url = '';
    let ports: Awaited<ReturnType<Server>>['ports'] | undefined;
    const process = this.add(name, 'server', async (log) => {
      const started = await launch({ dataDir: join(settings.dataDir, name), ports, log, say });
      ports = started.ports;
      url = started.address;
      return started.running;
    });
    await this.step(name, () => process.start());
    return url;
  }

  private async startApp(plan: AppPlan, addresses: Addresses): Promise<void> {
    const env = environmentOf(plan, addresses, this.options.environment);
    const { name, main, args = [], readyPath } = plan;
    const process = this.add(name, plan.stage, (log) =>
      launchApp({ name, main, args, readyPath, env, log }),
    );
    const started = process.start();
    if (!(await endsWithin(started, READY_WITHIN_MS)))
      throw new SuiteError(`${name} was not ready within ${seconds(READY_WITHIN_MS)}`);
  }

  private add(
    name: string,
    stage: Member['stage'],
    launch: (log: (line: string) => void) => Promise<Running>,
  ): SupervisedProcess {
    if (this.stopped) throw new SuiteError('the suite was stopped while it started');
    const log = new LogFile(join(this.options.settings.dataDir, 'logs'), name);
    const complaints = new Complaints();
    const process = new SupervisedProcess({
      name,
      launch: () =>
        launch((line) => {
          log.write(line);
          complaints.add(line);
        }),
      onChange: () => this.writeRunFile(),
      say: this.options.say,
      lastWords: () => `${complaints.lastWords()} (${log.path})`,
    });
    this.members.push({ stage, process, log, complaints });
    return process;
  }

  /** Says what took how long; a failure says where to read on. */
  private async step(name: string, work: () => Promise<void>): Promise<void> {
    const began = Date.now();
    await work();
    if (!this.stopped) this.options.say(`${name.padEnd(14)} ${seconds(Date.now() - began)}`);
  }

  private lookAround(): void {
    if (!this.isRunFileTrue) this.writeRunFile();
    for (const { process, log, complaints } of this.members) {
      const digest = complaints.digest();
      if (digest) this.options.say(`${process.status.name}: ${digest} (${log.path})`);
    }
  }

  private writeRunFile(): void {
    if (!this.addresses || this.stopped) return;
    const { gatewayPort, natsUrl, databaseUrl } = this.addresses;
    try {
      this.runFile.write({
        gateway_url: `http://127.0.0.1:${gatewayPort}`,
        nats_url: natsUrl,
        database_url: databaseUrl,
        processes: this.members.map(({ process }) => process.status),
      });
      this.isRunFileTrue = true;
    } catch (error) {
      // A full disk must not end a supervisor; the file is written again when there is room.
      if (systemCode(error) === undefined) throw error;
      if (this.isRunFileTrue) this.options.say(`run.json cannot be written (${systemCode(error)})`);
      this.isRunFileTrue = false;
    }
  }
}
