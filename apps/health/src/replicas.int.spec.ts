import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { mkdtempSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RegistryModule } from '@downbeat/registry-service';
import { TestBench } from '@downbeat/test-bench';
import { AppProcess } from '@downbeat/test-bench/app-process';

const INSTANCES = 24;
const INTERVAL_MS = 250;
/** The others wait 2.5 s for one that is silent; their beat and the spread of what moves come on top. */
const TAKEN_OVER_MS = 2_500 + 500 + 1_000;
/** For a busy machine. */
const SLACK_MS = 2_000;
/** For those that first have to find somebody silent, which takes as long as the machine stands still. */
const TAKING_OVER_SLACK_MS = 15_000;

type Health = { readonly instances: readonly { instance_id: string; status: string }[] };

interface Asked {
  readonly instance: string;
  readonly replica: string;
  readonly atMs: number;
}

describe('replicas of health, as processes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'downbeat-replicas-'));
  let bench: TestBench;
  let server: Server;
  let works = true;
  const asked: Asked[] = [];
  const replicas: AppProcess[] = [];

  beforeAll(async () => {
    bench = await TestBench.start({ services: [{ name: 'registry', module: RegistryModule }] });
    // One server is all the instances: their paths tell them apart.
    server = createServer(({ url = '', headers }, response) => {
      const replica = headers['user-agent'] ?? '';
      asked.push({ instance: url, replica, atMs: performance.now() });
      response.writeHead(works ? 200 : 503).end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    for (let n = 0; n < INSTANCES; n++) {
      await bench.accepted(`command.registry.RegisterService.s${n}`, {
        service_version: '1.0.0',
        service_type: 'api',
        deployment_environment: 'production',
        dependencies: [],
        health_check_endpoint: `/s${n}`,
        health_check: { interval_ms: INTERVAL_MS, timeout_ms: 20_000, failure_threshold: 2 },
      });
      await bench.accepted(`command.registry.RegisterInstance.s${n}-1`, {
        service_id: `s${n}`,
        node_name: 'here',
        ip_address: '127.0.0.1',
        port,
        version: '1.0.0',
      });
    }
  });
  afterAll(async () => {
    for (const replica of replicas) await replica.stop('SIGKILL').catch(() => undefined);
    server?.closeAllConnections();
    server?.close();
    await bench?.stop();
  });

  const start = async (): Promise<AppProcess> => {
    const replica = new AppProcess({
      name: 'health',
      program: join(__dirname, '../dist/main.js'),
      environment: {
        NATS_URL: bench.natsUrl,
        NATS_PREFIX: bench.prefix,
        DATABASE_URL_HEALTH: bench.database.urlOf('health'),
        DATABASE_URL_OBSERVABILITY: bench.database.urlOf('observability'),
        DOWNBEAT_MODE: 'development',
        LOG_LEVEL: 'error',
      },
      logFile: join(folder, `${replicas.length}.log`),
    });
    replicas.push(replica);
    await replica.start();
    return replica;
  };
  /** Who asked which instance since then. */
  const shares = (sinceMs: number) => {
    const by = new Map<string, Set<string>>();
    for (const { instance, replica, atMs } of asked) {
      if (atMs < sinceMs) continue;
      by.set(instance, (by.get(instance) ?? new Set()).add(replica));
    }
    return by;
  };
  /** Every instance is asked, in a stretch of time, by one replica, and all by so many. */
  const isSharedBy = async (count: number): Promise<void> => {
    await bench.eventually(
      async () => {
        const since = performance.now();
        await bench.eventually(
          () => shares(since).size,
          (size) => size === INSTANCES,
          4 * INTERVAL_MS + SLACK_MS,
        );
        return shares(since);
      },
      (by) => {
        expect([...by.values()].every((asking) => asking.size === 1)).toBe(true);
        expect(new Set([...by.values()].flatMap((asking) => [...asking])).size).toBe(count);
      },
    );
  };
  const becomeAll = (status: string) =>
    bench.eventually(
      () => bench.answer<Health>('query.health.list-health', { limit: 200 }),
      ({ instances }) => {
        expect(instances).toHaveLength(INSTANCES);
        expect(new Set(instances.map((instance) => instance.status))).toEqual(new Set([status]));
      },
    );

  it('share the checks, and each instance is checked by one', async () => {
    await start();
    await becomeAll('healthy');
    await isSharedBy(1);
    await start();
    await isSharedBy(2);
  });

  it('take over what one of them had when it is killed, and nothing else moves', async () => {
    const before = shares(performance.now() - 2 * INTERVAL_MS - 100);
    const [victim] = replicas;
    await victim?.stop('SIGKILL');
    const killedAt = performance.now();
    await bench.eventually(
      () => shares(killedAt),
      (by) => by.size === INSTANCES,
      TAKEN_OVER_MS + TAKING_OVER_SLACK_MS,
    );
    await isSharedBy(1);
    const after = shares(killedAt);
    const survivor = [...(after.get('/s0') ?? [])].at(-1);
    for (const [instance, asking] of before)
      if (asking.size === 1 && asking.has(survivor ?? ''))
        expect([...(after.get(instance) ?? [])]).toEqual([survivor]);
    // What was known of the instances that moved is still known: nobody says it again.
    const events = await Promise.all(
      Array.from({ length: INSTANCES }, (_, n) => bench.events(`check-s${n}-1`)),
    );
    for (const each of events)
      expect(each.map(({ type }) => type)).toEqual(['CheckStarted', 'HealthChanged']);
    works = false;
    await becomeAll('unhealthy');
    works = true;
    await becomeAll('healthy');
  });

  it('that freeze come back without a word of what they missed', async () => {
    const sleeper = await start();
    await isSharedBy(2);
    process.kill(sleeper.pid, 'SIGSTOP');
    const frozenAt = performance.now();
    await bench.eventually(
      () => shares(frozenAt),
      (by) => by.size === INSTANCES,
      TAKEN_OVER_MS + TAKING_OVER_SLACK_MS,
    );
    process.kill(sleeper.pid, 'SIGCONT');
    await isSharedBy(2);
    const types = (await bench.events('check-s0-1')).map(({ type }) => type);
    expect(types.filter((type) => type === 'HealthChanged')).toHaveLength(3);
  });

  it('that leave in order are replaced at once', async () => {
    const leaver = replicas.at(-1);
    const leftAt = performance.now();
    await leaver?.stop('SIGTERM');
    await isSharedBy(1);
    expect(shares(leftAt).size).toBe(INSTANCES);
  });
});
