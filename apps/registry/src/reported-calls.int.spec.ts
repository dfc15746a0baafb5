import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HealthModule } from '@downbeat/health-service';
import { RegistryModule } from '@downbeat/registry-service';
import { TestBench } from '@downbeat/test-bench';

const INSTANCES = 8;
const HOUR_MS = 3_600_000;

interface Health {
  readonly instances: readonly {
    readonly instance_id: string;
    readonly status: string;
    readonly detail?: string;
  }[];
}

describe('what callers report', () => {
  let bench: TestBench;
  let server: Server;
  let checks = 0;
  beforeAll(async () => {
    bench = await TestBench.start({
      services: [
        { name: 'registry', module: RegistryModule },
        { name: 'health', module: HealthModule },
        { name: 'health-too', module: HealthModule },
      ],
    });
    server = createServer((_, response) => {
      checks++;
      response.end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    await theyKnowEachOther();
    await bench.accepted('command.registry.RegisterService.shop', {
      service_version: '1.0.0',
      service_type: 'api',
      deployment_environment: 'production',
      dependencies: [],
      health_check: { interval_ms: HOUR_MS, failure_threshold: 5 },
    });
    for (let n = 0; n < INSTANCES; n++)
      await bench.accepted(`command.registry.RegisterInstance.shop-${n}`, {
        service_id: 'shop',
        node_name: 'here',
        ip_address: '127.0.0.1',
        port: (server.address() as AddressInfo).port,
        version: '1.0.0',
      });
    await become('healthy');
  });
  afterAll(async () => {
    server?.closeAllConnections();
    server?.close();
    await bench?.stop();
  });

  /** Each of them has looked after both were there: from now on nothing is handed over. */
  const theyKnowEachOther = async (): Promise<void> => {
    const seen = () =>
      bench.rows<{ seen_at: Date }>(
        'select seen_at from health.check_replica order by seen_at',
        [],
      );
    const both = await bench.eventually(seen, (rows) => rows.length === 2);
    await bench.eventually(seen, ([first]) => !!first && first.seen_at > (both[1]?.seen_at ?? 0));
  };
  const ids = Array.from({ length: INSTANCES }, (_, n) => `shop-${n}`);
  const health = () => bench.answer<Health>('query.health.list-health', { service_name: 'shop' });
  const become = (status: string) =>
    bench.eventually(health, ({ instances }) =>
      expect(instances.map((one) => one.status)).toEqual(Array(INSTANCES).fill(status)),
    );
  const report = (ok: number, failed: number, more: object = {}, reporter = 'gateway-1') =>
    bench.command(`command.health.ReportCalls.${reporter}`, {
      reported_at: new Date().toISOString(),
      window_ms: 500,
      instances: ids.map((instance_id) => ({ instance_id, ok, failed })),
      ...more,
    });
  /** Told again until it is heard: who is not sure for a moment what is its own lets it go by. */
  const makeUnhealthy = () =>
    bench.eventually(
      async () => {
        await report(1, 6, {
          instances: ids.map((instance_id) => ({
            ...{ instance_id, ok: 1, failed: 6, last_failure: 'HTTP 503' },
          })),
        });
        return (await health()).instances;
      },
      (seen) =>
        expect(seen.map(({ status }) => status)).toEqual(Array(INSTANCES).fill('unhealthy')),
    );
  /** All of them have been checked once more since then. */
  const checkedSince = (before: number) =>
    bench.eventually(
      () => checks,
      (count) => count >= before + INSTANCES,
    );

  it('brings the next check forward while it is below the threshold', async () => {
    const before = checks;
    await report(0, 1);
    await checkedSince(before);
    expect((await health()).instances.every(({ status }) => status === 'healthy')).toBe(true);
  });

  it('counts for nothing when it is old, or was told before', async () => {
    const old = new Date(Date.now() - 60_000).toISOString();
    await report(0, 50, { reported_at: old }, 'late-1');
    const before = checks;
    const now = new Date().toISOString();
    for (let times = 0; times < 3; times++) await report(0, 3, { reported_at: now }, 'twice-1');
    // The check that it brings forward comes after it was heard.
    await checkedSince(before);
    expect((await health()).instances.every(({ status }) => status === 'healthy')).toBe(true);
  });

  it('makes instances unhealthy long before their next check, whoever checks them', async () => {
    const [first] = await makeUnhealthy();
    expect(first?.detail).toBe('6 of 7 calls failed within 500 ms: HTTP 503');
  });

  it('never makes them healthy: checks do', async () => {
    const { instances } = await bench.eventually(
      async () => {
        await makeUnhealthy();
        const before = checks;
        for (let times = 0; times < 3; times++) await report(1_000, 0);
        await report(0, 1, { instances: [{ instance_id: 'unknown-1', ok: 0, failed: 9 }] });
        return { ...(await health()), checked: checks - before };
      },
      // A check meanwhile, as after a change of hands, would make them healthy.
      ({ checked }) => checked === 0,
    );
    expect(instances.every(({ status }) => status === 'unhealthy')).toBe(true);
    await bench.accepted('command.registry.UpdateService.shop', {
      health_check: { interval_ms: 200, failure_threshold: 5 },
    });
    await become('healthy');
  });

  it('is refused when it is no report', async () => {
    const twice = [ids[0], ids[0]].map((instance_id) => ({ instance_id, ok: 1, failed: 1 }));
    for (const wrong of [{ instances: [] }, { instances: twice }, { window_ms: 0 }])
      expect(await report(1, 1, wrong)).toMatchObject({
        accepted: false,
        problem: { kind: 'invalid' },
      });
  });
});
