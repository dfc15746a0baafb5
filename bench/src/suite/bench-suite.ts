import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contextUrl, migrate } from '@downbeat/event-store';
import {
  startNats,
  startPostgres,
  type RunningNats,
  type RunningServer,
} from '@downbeat/local-servers';
import { AppProcess } from '@downbeat/test-bench/app-process';
import { WORKSPACE } from './workspace';

const APPS = ['registry', 'health', 'saga', 'orchestrator', 'gateway'] as const;
export type AppName = (typeof APPS)[number];

/** Which contexts' databases an app is given. */
const CONTEXTS: Readonly<Record<AppName, readonly string[]>> = {
  registry: ['registry'],
  health: ['health', 'observability'],
  saga: ['saga'],
  orchestrator: ['messaging', 'audit'],
  gateway: [],
};
const PASSWORD = 'benchmark';

/** The five apps as processes, and servers of their own that nothing else uses. */
export class BenchSuite {
  readonly apps: ReadonlyMap<AppName, AppProcess>;
  /** Of every context's role. */
  readonly password = PASSWORD;
  private isRunning = false;

  private constructor(
    private readonly dir: string,
    readonly postgres: RunningServer,
    readonly nats: RunningNats,
  ) {
    this.apps = new Map(
      APPS.map((name) => [
        name,
        new AppProcess({
          name,
          program: join(WORKSPACE, 'apps', name, 'dist', 'main.js'),
          environment: this.environment(name),
          logFile: join(dir, `${name}.log`),
        }),
      ]),
    );
  }

  /** Servers with a migrated database; no app runs yet. */
  static async create(): Promise<BenchSuite> {
    const dir = mkdtempSync(join(tmpdir(), 'downbeat-bench-'));
    try {
      const [postgres, nats] = await Promise.all([
        startPostgres({ dataDir: join(dir, 'postgres') }),
        startNats({ dataDir: join(dir, 'nats') }),
      ]);
      const contexts = Object.values(CONTEXTS).flat();
      const passwords = Object.fromEntries(contexts.map((context) => [context, PASSWORD]));
      await migrate(postgres.url, { passwords });
      return new BenchSuite(dir, postgres, nats);
    } catch (fault) {
      rmSync(dir, { recursive: true, force: true });
      throw fault;
    }
  }

  app(name: AppName): AppProcess {
    const app = this.apps.get(name);
    if (!app) throw new Error(`there is no app ${name}`);
    return app;
  }

  /** All five at once. @returns How long it took until the last one was ready, in ms. */
  async startApps(): Promise<number> {
    const began = performance.now();
    await Promise.all([...this.apps.values()].map((app) => app.start()));
    this.isRunning = true;
    return performance.now() - began;
  }

  /** Starts the apps unless they run. */
  async ensureApps(): Promise<void> {
    if (!this.isRunning) await this.startApps();
  }

  async stopApps(): Promise<void> {
    await Promise.all([...this.apps.values()].map((app) => app.stop()));
    this.isRunning = false;
  }

  /** Over the REST edge. @throws {Error} The answer is not a good one. */
  async request<Body>(method: string, path: string, body?: unknown): Promise<Body> {
    const response = await fetch(`${this.app('gateway').url}/api/orchestration${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as Body;
  }

  /** Where a process may write what is looked at later. */
  folder(name: string): string {
    const folder = join(this.dir, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  async close(): Promise<void> {
    await this.stopApps();
    await Promise.all([this.nats.stop(), this.postgres.stop()]);
    rmSync(this.dir, { recursive: true, force: true });
  }

  private environment(name: AppName): Record<string, string> {
    return {
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      NATS_URL: this.nats.url,
      // The participants run on this machine.
      DOWNBEAT_MODE: 'development',
      LOG_LEVEL: 'info',
      ...Object.fromEntries(
        CONTEXTS[name].map((context) => [
          `DATABASE_URL_${context.toUpperCase()}`,
          contextUrl(this.postgres.url, context, PASSWORD),
        ]),
      ),
    };
  }
}
