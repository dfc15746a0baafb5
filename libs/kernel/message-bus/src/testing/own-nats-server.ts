import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'nats';
import { eventually } from './eventually';

/** A nats-server of the test's own, to be killed. */
export class OwnNatsServer {
  private process: ChildProcess | undefined;

  private constructor(
    private readonly port: number,
    private readonly directory: string,
  ) {}

  static async start(): Promise<OwnNatsServer> {
    const server = new OwnNatsServer(
      await freePort(),
      await mkdtemp(join(tmpdir(), 'message-bus-nats-')),
    );
    await server.run();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Starts it again on the same port and directory. */
  async run(): Promise<void> {
    const { port, directory } = this;
    const args = ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', directory];
    this.process = spawn('nats-server', args, { stdio: 'ignore' });
    await eventually(async () => {
      const client = await connect({ servers: this.url, timeout: 1_000, reconnect: false });
      await client.close();
    });
  }

  async kill(): Promise<void> {
    const { process } = this;
    if (!process || process.exitCode !== null || process.signalCode !== null) return;
    const exited = once(process, 'exit');
    process.kill('SIGKILL');
    await exited;
  }

  /** Everything JetStream had stored is gone. */
  async loseDirectory(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }

  async stop(): Promise<void> {
    await this.kill();
    await this.loseDirectory();
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
