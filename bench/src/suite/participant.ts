import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { CallReport } from '../participant/call-counter';
import { AppProcess } from '@downbeat/test-bench/app-process';
import type { BenchSuite } from './bench-suite';
import { WORKSPACE } from './workspace';

const KNOWN_MS_MAX = 30_000;

export interface CheckSettings {
  readonly interval_ms: number;
  readonly timeout_ms: number;
  readonly failure_threshold: number;
}
const SELDOM: CheckSettings = { interval_ms: 5_000, timeout_ms: 2_000, failure_threshold: 3 };

/** A process that plays some services, registered with the suite. */
export class ParticipantProcess {
  private constructor(
    readonly services: readonly string[],
    private readonly app: AppProcess,
  ) {}

  /** Returns when the registry lists it as healthy. */
  static async start(
    suite: BenchSuite,
    services: readonly string[],
    { delayMs = 0, check = SELDOM }: { delayMs?: number; check?: CheckSettings } = {},
  ): Promise<ParticipantProcess> {
    const participant = await ParticipantProcess.launch(suite, services, delayMs);
    await participant.registerWith(suite, check);
    return participant;
  }

  /** Returns when it listens; nobody knows of it yet. */
  static async launch(
    suite: BenchSuite,
    services: readonly string[],
    delayMs: number,
  ): Promise<ParticipantProcess> {
    const name = services.join('+');
    const app = new AppProcess({
      name,
      program: join(WORKSPACE, 'bench', 'dist', 'participant', 'main.js'),
      environment: { DELAY_MS: String(delayMs) },
      logFile: join(suite.folder('participants'), `${name}.log`),
    });
    await app.listen();
    return new ParticipantProcess(services, app);
  }

  /** Returns when the registry lists it as healthy. */
  async registerWith(suite: BenchSuite, check: CheckSettings = SELDOM): Promise<void> {
    const port = Number(new URL(this.url).port);
    for (const service of this.services) await register(suite, service, port, check);
    for (const service of this.services) await becomesKnown(suite, service);
  }

  get url(): string {
    return this.app.url;
  }

  /** What was called since the last report. */
  async report(): Promise<CallReport> {
    return (await (await fetch(`${this.app.url}/report`)).json()) as CallReport;
  }

  /** How often it was called since the last report. */
  async calls(): Promise<number> {
    return ((await (await fetch(`${this.app.url}/total`)).json()) as { calls: number }).calls;
  }

  signal(signal: NodeJS.Signals): void {
    this.app.signal(signal);
  }

  async stop(): Promise<void> {
    await this.app.stop('SIGKILL');
  }
}

async function register(
  suite: BenchSuite,
  service: string,
  port: number,
  check: CheckSettings,
): Promise<void> {
  await suite.request('POST', '/services', {
    service_name: service,
    service_version: '1.0.0',
    service_type: 'api',
    deployment_environment: 'development',
    health_check_endpoint: '/health',
    dependencies: [],
    health_check: check,
  });
  await suite.request('POST', `/services/${service}/instances`, {
    instance_id: `${service}-1`,
    node_name: 'bench',
    ip_address: '127.0.0.1',
    port,
    version: '1.0.0',
  });
}

async function becomesKnown(suite: BenchSuite, service: string): Promise<void> {
  const deadline = Date.now() + KNOWN_MS_MAX;
  for (;;) {
    const { instances } = await suite.request<{ instances: readonly unknown[] }>(
      'GET',
      `/discovery/instances?service_name=${service}`,
    );
    if (instances.length > 0) return;
    if (Date.now() > deadline) throw new Error(`${service} does not become healthy`);
    await pause(20);
  }
}
