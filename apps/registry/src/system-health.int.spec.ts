import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HealthModule } from '@downbeat/health-service';
import { RegistryModule } from '@downbeat/registry-service';
import { TestBench } from '@downbeat/test-bench';

jest.setTimeout(60_000);

interface System {
  readonly status: string;
  readonly components: Readonly<Record<string, object>>;
  readonly metrics: object;
}

describe('the health of the system', () => {
  let bench: TestBench;
  let server: Server;
  /** Services whose instance fails. */
  const failing = new Set<string>();
  beforeAll(async () => {
    bench = await TestBench.start({
      services: [
        { name: 'registry', module: RegistryModule },
        { name: 'health', module: HealthModule },
      ],
      environment: { REGISTRY_TERMINATING_MS: '200' },
    });
    server = createServer(({ url = '' }, response) =>
      response.writeHead(failing.has(url.slice(1)) ? 503 : 200).end(),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    await register('ledger', []);
    await register('billing', [{ service_name: 'ledger', is_critical: true }]);
    await register('shop', [{ service_name: 'billing', is_critical: true }, 'mailer']);
    await register('mailer', [{ service_name: 'ledger', is_critical: true, required: false }]);
    for (const service of ['ledger', 'billing', 'shop', 'mailer']) await start(service);
  });
  afterAll(async () => {
    server?.closeAllConnections();
    server?.close();
    await bench?.stop();
  });

  const register = (service: string, dependencies: readonly (string | object)[]) =>
    bench.accepted(`command.registry.RegisterService.${service}`, {
      service_version: '1.0.0',
      service_type: 'api',
      deployment_environment: 'production',
      dependencies: dependencies as never,
      health_check_endpoint: `/${service}`,
      health_check: { interval_ms: 100, timeout_ms: 2_000, failure_threshold: 1 },
    });
  const start = (service: string) =>
    bench.accepted(`command.registry.RegisterInstance.${service}-1`, {
      service_id: service,
      node_name: 'here',
      ip_address: '127.0.0.1',
      port: (server.address() as AddressInfo).port,
      version: '1.0.0',
    });
  const system = (as = {}, input = {}) =>
    bench.answer<System>('query.health.system-health', input, as);
  const becomes = (expected: object) =>
    bench.eventually(
      () => system(),
      (seen) => expect(seen).toMatchObject(expected),
    );

  it('is healthy while all instances are, and tells who is critical', async () => {
    await becomes({
      status: 'healthy',
      components: {
        ledger: { status: 'healthy', is_critical: true, healthy_instances: 1 },
        billing: { is_critical: true },
        shop: { is_critical: false },
        mailer: { is_critical: false },
      },
      metrics: { total_services: 4, healthy_services: 4, total_instances: 4, healthy_instances: 4 },
    });
  });

  it('is degraded by a service that nobody fails with', async () => {
    failing.add('mailer');
    await becomes({ status: 'degraded', components: { mailer: { status: 'unhealthy' } } });
    failing.clear();
    await becomes({ status: 'healthy' });
  });

  it('is critical with a critical service, and marks who inherits the failure, now and as it was', async () => {
    failing.add('ledger').add('billing');
    await becomes({
      status: 'critical',
      components: {
        ledger: { status: 'unhealthy' },
        billing: {
          status: 'unhealthy',
          inherited: { origin: 'ledger', path: ['billing', 'ledger'] },
        },
        shop: {
          status: 'healthy',
          inherited: { origin: 'ledger', path: ['shop', 'billing', 'ledger'] },
        },
      },
      metrics: { inherited_failures: 2, unhealthy_services: 2 },
    });
    const seen = await system();
    expect(Object.keys(seen.components)[0]).toBe('ledger');
    expect(seen.components['ledger']).not.toHaveProperty('inherited');
    expect(seen.components['mailer']).not.toHaveProperty('inherited');
    expect(
      await bench.answer('query.health.service-health', { service_name: 'billing' }),
    ).toMatchObject({ status: 'unhealthy', inherited: { origin: 'ledger' } });

    const listed = await bench.answer<{ instances: readonly object[] }>('query.health.list-health');
    expect(listed.instances).toMatchObject([
      { instance_id: 'billing-1', inherited: { origin: 'ledger', path: ['billing', 'ledger'] } },
      { instance_id: 'ledger-1', status: 'unhealthy' },
      { instance_id: 'mailer-1' },
      { instance_id: 'shop-1', status: 'healthy' },
    ]);
    expect(listed.instances.filter((one) => 'inherited' in one)).toHaveLength(1);

    const [{ position } = { position: 0 }] = (await bench.events('check-ledger-1')).slice(-1);
    failing.clear();
    await becomes({ status: 'healthy' });
    expect(await system({ at: position })).toMatchObject({ status: 'critical' });
    expect(await system({ at: position - 1 })).not.toMatchObject({
      components: { ledger: { status: 'unhealthy' } },
    });
  });

  it('follows what services say they need', async () => {
    await bench.accepted('command.registry.UpdateService.billing', { dependencies: [] });
    await becomes({ components: { ledger: { is_critical: false } } });
    failing.add('ledger');
    await becomes({ status: 'degraded', components: { ledger: { status: 'unhealthy' } } });
    expect((await system()).components['shop']).not.toHaveProperty('inherited');
    failing.clear();
    await becomes({ status: 'healthy' });
  });

  it('does not forget a service that has lost its last instance', async () => {
    await bench.accepted('command.registry.DeregisterInstance.billing-1', {
      service_id: 'billing',
    });
    await becomes({
      status: 'critical',
      components: { billing: { status: 'unhealthy', healthy_instances: 0 } },
    });
    await start('billing');
    await becomes({ status: 'healthy' });
  });

  it('shows as much as is asked for, the worst first', async () => {
    failing.add('mailer');
    await becomes({ status: 'degraded' });
    const seen = await system({}, { limit: 1 });
    expect(Object.keys(seen.components)).toEqual(['mailer']);
    expect(seen).toMatchObject({ components_omitted: 3, metrics: { total_services: 4 } });
    const unknown = await bench.query('query.health.service-health', { service_name: 'nobody' });
    expect(unknown).toMatchObject({ ok: false, problem: { code: 'service-unknown' } });
  });

  it('comes to the same when it is made anew from the log', async () => {
    expect(
      await bench.bus.query('query.health.verify-read-model', { name: 'health.checks' }),
    ).toMatchObject({ ok: true, data: { is_equal: true } });
  });
});
