import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { querySubject, registryContract } from '@downbeat/contracts';
import { startNats, type RunningNats } from '@downbeat/local-servers';
import { eventually } from '@downbeat/local-servers/testing';
import { connect, type NatsConnection } from 'nats';
import { DownbeatService } from './service';

const NO_GATEWAY = 'http://127.0.0.1:9';
/** Without being asked at once it is asked after a second. */
const QUICK_MS = 600;
const TRIES_MAX = 3;

/** A server of NATS, and the directory of a registry, which tells nobody anything by itself. */
describe('a service that starts', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'downbeat-sdk-'));
  let nats: RunningNats;
  let registry: NatsConnection;

  beforeAll(async () => {
    nats = await startNats({ dataDir });
    registry = await connect({ servers: nats.url });
    const answer: registryContract.DirectoryPage = {
      ...{ services: [], revision: 0, has_more: false, shape: 1 },
    };
    registry.subscribe(querySubject(registryContract.directory), {
      callback: (_, message) => void message.respond(JSON.stringify({ ok: true, answer })),
    });
    await registry.flush();
  });
  afterAll(async () => {
    await registry?.close();
    await nats?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  /** Until it knows what there is to know. */
  const knowsAfterMs = async (): Promise<number> => {
    const service = new DownbeatService({
      gatewayUrl: NO_GATEWAY,
      natsUrl: nats.url,
      service: { service_name: 'shop', service_version: '1.0.0' },
    });
    const began = performance.now();
    await service.start();
    await eventually(() => expect(service.directoryStatus.age_ms).toBeGreaterThanOrEqual(0));
    const tookMs = performance.now() - began;
    await service.stop();
    return tookMs;
  };

  it('knows the others as soon as it is connected', async () => {
    const tookMs: number[] = [];
    // A busy machine may stand still once.
    while (tookMs.length < TRIES_MAX && !tookMs.some((ms) => ms < QUICK_MS))
      tookMs.push(await knowsAfterMs());
    expect(Math.min(...tookMs)).toBeLessThan(QUICK_MS);
  });
});
