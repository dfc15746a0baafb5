import { startNats, type RunningNats } from '@downbeat/local-servers';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A nats-server of the test's own, to be killed. */
export class OwnNatsServer {
  private isUp = true;
  private isStopped = false;

  private constructor(
    private readonly dataDir: string,
    private running: RunningNats,
  ) {}

  static async start(): Promise<OwnNatsServer> {
    const dataDir = await mkdtemp(join(tmpdir(), 'message-bus-nats-'));
    return new OwnNatsServer(dataDir, await startNats({ dataDir }));
  }

  get url(): string {
    return this.running.url;
  }

  /** Starts it again on the same port and directory. */
  async run(): Promise<void> {
    if (this.isStopped) return;
    const { port, monitoringPort } = this.running;
    this.running = await startNats({ dataDir: this.dataDir, port, monitoringPort });
    this.isUp = true;
  }

  async kill(): Promise<void> {
    if (!this.isUp) return;
    const { pid, exited } = this.running;
    process.kill(pid, 'SIGKILL');
    await exited;
    this.isUp = false;
  }

  /** Everything JetStream had stored is gone. */
  async loseDirectory(): Promise<void> {
    await rm(this.dataDir, { recursive: true, force: true, maxRetries: 5 });
  }

  /** For good: whoever is about to run it again does not. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.kill();
    await this.loseDirectory();
  }
}
