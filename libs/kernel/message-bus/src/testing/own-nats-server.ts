import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'nats';
import { eventually } from './eventually';

/** A busy machine takes its time. */
const START_TIMEOUT_MS = 20_000;

/**
 * Below the ports that systems give to outgoing connections: one of those would be somebody else's
 * by the time a killed server wants it back.
 */
const PORTS = { first: 20_000, count: 12_000 };

/** A nats-server of the test's own, to be killed. */
export class OwnNatsServer {
  private process: ChildProcess | undefined;
  private isStopped = false;

  private constructor(
    private readonly port: number,
    private readonly directory: string,
  ) {}

  static async start(): Promise<OwnNatsServer> {
    const directory = await mkdtemp(join(tmpdir(), 'message-bus-nats-'));
    const server = new OwnNatsServer(await freePort(), directory);
    try {
      await server.run();
      return server;
    } catch (fault) {
      await server.stop();
      throw fault;
    }
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Starts it again on the same port and directory. */
  async run(): Promise<void> {
    await eventually(async () => {
      if (this.isStopped) return;
      if (!this.isRunning()) this.spawn();
      const client = await connect({ servers: this.url, timeout: 1_000, reconnect: false });
      await client.close();
    }, START_TIMEOUT_MS);
  }

  async kill(): Promise<void> {
    const { process } = this;
    if (!process || !this.isRunning()) return;
    const exited = once(process, 'exit');
    process.kill('SIGKILL');
    await exited;
  }

  /** Everything JetStream had stored is gone. */
  async loseDirectory(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }

  /** For good: whoever is about to run it again does not. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.kill();
    await this.loseDirectory();
  }

  private isRunning(): boolean {
    return this.process?.exitCode === null && this.process.signalCode === null;
  }

  private spawn(): void {
    const { port, directory } = this;
    const args = ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', directory];
    this.process = spawn('nats-server', args, { stdio: 'ignore' });
  }
}

async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS.first + Math.floor(Math.random() * PORTS.count);
    const probe = createServer();
    probe.listen(port, '127.0.0.1');
    try {
      await once(probe, 'listening');
    } catch (fault) {
      if (fault instanceof Error && 'code' in fault && fault.code === 'EADDRINUSE') continue;
      throw fault;
    }
    probe.close();
    await once(probe, 'close');
    return port;
  }
}
