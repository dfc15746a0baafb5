import { join } from 'node:path';
import { startNats, type RunningNats } from '@downbeat/local-servers';
import { AppProcess } from '@downbeat/test-bench/app-process';
import { WORKSPACE } from './workspace';

/** A gateway over a NATS of its own, and nothing behind it: what answers is up to who measures. */
export class GatewayAlone {
  private constructor(
    readonly nats: RunningNats,
    readonly app: AppProcess,
  ) {}

  /** @param dir Where it writes. */
  static async start(dir: string): Promise<GatewayAlone> {
    const nats = await startNats({ dataDir: join(dir, 'nats') });
    const app = new AppProcess({
      name: 'gateway',
      program: join(WORKSPACE, 'apps', 'gateway', 'dist', 'main.js'),
      environment: { NODE_ENV: 'production', HOST: '127.0.0.1', NATS_URL: nats.url },
      logFile: join(dir, 'gateway.log'),
    });
    await app.start();
    return new GatewayAlone(nats, app);
  }

  async stop(): Promise<void> {
    await this.app.stop();
    await this.nats.stop();
  }
}
