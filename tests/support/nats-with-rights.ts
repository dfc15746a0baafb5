import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNats, type RunningNats } from '@downbeat/local-servers';
import { DeployedNats } from './deployed-nats';
import type { BenchServer } from './message-bench';

/** A server with the users that are deployed, and what each of them may do. */
export class NatsWithRights implements BenchServer {
  private readonly dir = mkdtempSync(join(tmpdir(), 'nats-rights-'));
  private running: RunningNats | undefined;
  /** What the server refused somebody. */
  readonly violations: string[] = [];

  private constructor(private readonly deployed: DeployedNats) {}

  /** @param identities What `service-identity.mjs add` is told, once for each. */
  static async start(...identities: readonly (readonly string[])[]): Promise<NatsWithRights> {
    const deployed = new DeployedNats();
    for (const said of identities) deployed.run('service-identity.mjs', 'add', ...said);
    const nats = new NatsWithRights(deployed);
    nats.running = await startNats({
      dataDir: nats.dir,
      tellsSessions: false,
      moreConfig: deployed.config,
      log: (line) => {
        if (/violation/i.test(line)) nats.violations.push(line);
      },
    });
    return nats;
  }

  urlOf(user: string): string {
    const { port } = this.running ?? { port: 0 };
    return `nats://${user}:${this.deployed.passwordOf(user)}@127.0.0.1:${port}`;
  }

  async stop(): Promise<void> {
    await this.running?.stop();
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 5 });
    this.deployed.remove();
  }
}
