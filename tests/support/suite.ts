import { contextUrl, migrate } from '@downbeat/event-store';
import {
  startNats,
  startPostgres,
  type RunningNats,
  type RunningServer,
} from '@downbeat/local-servers';
import {
  callLogFile,
  parseCallLog,
  PARTICIPANT_NAMES,
  startParticipant,
  type CallRecord,
  type ParticipantProcess,
} from '@downbeat/wedding';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { eventually } from '@downbeat/test-bench';
import { AppProcess } from '@downbeat/test-bench/app-process';

const WORKSPACE = join(__dirname, '..', '..');
const CONTEXTS = ['registry', 'health', 'saga', 'messaging', 'observability', 'audit'];
const PASSWORD = 'end-to-end';
const APPS = ['registry', 'health', 'saga', 'orchestrator', 'gateway'] as const;
export type AppName = (typeof APPS)[number];

export interface SuiteOptions {
  readonly demo?: boolean;
  readonly prepare?: (databaseUrl: string) => Promise<void>;
  /** Of every app, beside those it gets anyhow. */
  readonly settings?: Readonly<Record<string, string>>;
  /** A NATS that knows its users. Without it everybody may do everything. */
  readonly nats?: NatsRights;
}

export interface NatsRights {
  /** In the language of nats-server. */
  readonly config: string;
  readonly passwordOf: (user: string) => string;
}

const nothing = (): Promise<void> => Promise.resolve();

/** What the gateway answered. */
export interface Answer<Body = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

/**
 * Five processes, the wedding's services, and servers of their own that a test may break. They run
 * what is compiled, as users do: `npm test` compiles first.
 */
export class Suite {
  private postgres: RunningServer | undefined;
  private nats: RunningNats | undefined;
  /** What it was told last. */
  private natsConfig = '';
  private readonly participants: ParticipantProcess[] = [];
  readonly apps = new Map<AppName, AppProcess>();

  private constructor(
    /** All that the servers and the apps write is below it. */
    readonly dir: string,
    private readonly settings: Readonly<Record<string, string>>,
    private readonly rights: NatsRights | undefined,
  ) {}

  /**
   * @param demo Whether the wedding's services run too.
   * @param prepare Is given the migrated database before anything uses it.
   */
  static async start({
    demo = true,
    prepare = nothing,
    settings = {},
    nats,
  }: SuiteOptions = {}): Promise<Suite> {
    const suite = new Suite(mkdtempSync(join(tmpdir(), 'downbeat-e2e-')), settings, nats);
    try {
      await suite.startServers();
      await prepare(suite.databaseUrl);
      await Promise.all(APPS.map((name) => suite.app(name).start()));
      if (demo) await suite.startDemo();
      return suite;
    } catch (fault) {
      await suite.stop();
      throw fault;
    }
  }

  get gatewayUrl(): string {
    return this.app('gateway').url;
  }

  get natsUrl(): string {
    return this.running(this.nats).url;
  }

  natsUrlOf(user: string): string {
    if (!this.rights) return this.natsUrl;
    return this.natsUrl.replace('//', `//${user}:${this.rights.passwordOf(user)}@`);
  }

  /**
   * As `SIGHUP` does: the server goes on with what its file says now.
   *
   * @returns When it says that it has; who connects before may be cut off again without a word.
   */
  async reloadNats(config: string): Promise<void> {
    const reloads = (): number =>
      readFileSync(this.natsLogFile, 'utf8').split('Reloaded server configuration').length;
    const reloadsBefore = reloads();
    const file = join(this.folder('nats'), 'nats-server.conf');
    const before = this.natsConfig;
    this.natsConfig = config;
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(before, () => config),
    );
    process.kill(this.running(this.nats).pid, 'SIGHUP');
    await eventually(reloads, (now) => now > reloadsBefore);
  }

  get databaseUrl(): string {
    return this.running(this.postgres).url;
  }

  app(name: AppName): AppProcess {
    const known = this.apps.get(name);
    if (known) return known;
    const app = new AppProcess({
      name,
      program: join(WORKSPACE, 'apps', name, 'dist', 'main.js'),
      environment: this.environment(name),
      logFile: this.logFileOf(name),
    });
    this.apps.set(name, app);
    return app;
  }

  async request<Body = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
    timeoutMs = 20_000,
  ): Promise<Answer<Body>> {
    const isText = typeof body === 'string';
    const response = await fetch(`${this.gatewayUrl}/api/orchestration${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: (text === '' ? {} : JSON.parse(text)) as Body,
    };
  }

  async get<Body = Record<string, unknown>>(path: string): Promise<Body> {
    const answer = await this.request<Body>('GET', path);
    if (answer.status !== 200) throw new Error(`${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** kill -9, and on again over the same data on the same port. */
  async crashPostgres(): Promise<void> {
    const { pid, port, exited } = this.running(this.postgres);
    process.kill(pid, 'SIGKILL');
    await exited;
    this.postgres = await startPostgres({ dataDir: this.folder('postgres'), port });
  }

  /** kill -9, and on again. @param losing Whether everything JetStream had is gone too. */
  async crashNats(what: { readonly losing?: boolean } = {}): Promise<void> {
    await this.killNats(what);
    await this.restartNats();
  }

  /** kill -9, and nothing after it. @param losing As {@link crashNats}. */
  async killNats({ losing = false }: { readonly losing?: boolean } = {}): Promise<void> {
    const { pid, exited } = this.running(this.nats);
    process.kill(pid, 'SIGKILL');
    await exited;
    if (losing) rmSync(this.folder('nats'), { recursive: true });
  }

  /** On the port it had. */
  async restartNats(): Promise<void> {
    const { port } = this.running(this.nats);
    this.nats = await startNats({ ...this.natsOptions(), port });
  }

  /** What an app has logged so far, in all its lives. */
  logFileOf(name: AppName): string {
    return join(this.folder('logs'), `${name}.log`);
  }

  get natsLogFile(): string {
    return join(this.folder('logs'), 'nats.log');
  }

  async killParticipant(name: string): Promise<void> {
    await this.participants.find((one) => one.name === name)?.stop('SIGKILL');
  }

  /** What the participants say they did, from their own files. */
  callLogs(): readonly CallRecord[] {
    return PARTICIPANT_NAMES.flatMap((name) => {
      const file = callLogFile(this.folder('demo-data'), name);
      return existsSync(file) ? parseCallLog(readFileSync(file, 'utf8')) : [];
    });
  }

  async stop(): Promise<void> {
    await Promise.all(this.participants.map((one) => one.stop('SIGKILL')));
    await Promise.all([...this.apps.values()].map((app) => app.stop()));
    await this.nats?.stop();
    await this.postgres?.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }

  private async startServers(): Promise<void> {
    [this.postgres, this.nats] = await Promise.all([
      startPostgres({ dataDir: this.folder('postgres') }),
      startNats(this.natsOptions()),
    ]);
    const passwords = Object.fromEntries(CONTEXTS.map((context) => [context, PASSWORD]));
    await migrate(this.databaseUrl, { passwords });
  }

  private natsOptions() {
    const { rights } = this;
    if (rights && this.natsConfig === '') this.natsConfig = rights.config;
    const more = rights && { tellsSessions: false, moreConfig: this.natsConfig };
    const log = (line: string): void => appendFileSync(this.natsLogFile, `${line}\n`);
    return { dataDir: this.folder('nats'), log, ...more };
  }

  private async startDemo(): Promise<void> {
    const { gatewayUrl } = this;
    const dataDir = this.folder('demo-data');
    this.participants.push(
      ...(await Promise.all(
        PARTICIPANT_NAMES.map((name) => startParticipant(name, { dataDir, gatewayUrl })),
      )),
    );
    const yaml = readFileSync(join(WORKSPACE, 'examples', 'wedding', 'book-wedding.yaml'), 'utf8');
    const registered = await this.request('POST', '/workflow-definitions', parse(yaml));
    if (registered.status !== 202) throw new Error(JSON.stringify(registered.body));
    for (const name of PARTICIPANT_NAMES)
      await eventually(
        () => this.get<{ instances: unknown[] }>(`/discovery/instances?service_name=${name}`),
        ({ instances }) => expect(instances).toHaveLength(1),
        30_000,
      );
  }

  private environment(name: AppName): Record<string, string> {
    const owned = {
      health: ['health', 'observability'],
      orchestrator: ['messaging', 'audit'],
      gateway: [] as string[],
    } as const;
    const contexts = name in owned ? owned[name as keyof typeof owned] : [name];
    return {
      HOST: '127.0.0.1',
      NODE_OPTIONS: '--enable-source-maps',
      NATS_URL: this.natsUrlOf(name),
      DOWNBEAT_MODE: 'development',
      LOG_LEVEL: 'info',
      ...this.settings,
      ...Object.fromEntries(
        contexts.map((context) => [
          `DATABASE_URL_${context.toUpperCase()}`,
          contextUrl(this.databaseUrl, context, PASSWORD),
        ]),
      ),
    };
  }

  private folder(name: string): string {
    const folder = join(this.dir, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  private running<Server>(server: Server | undefined): Server {
    if (!server) throw new Error('the servers of the suite are not running');
    return server;
  }
}
