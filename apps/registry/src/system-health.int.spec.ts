import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HealthModule } from '@downbeat/health-service';
import { RegistryModule } from '@downbeat/registry-service';
import { TestBench } from '@downbeat/test-bench';

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
  /** How often the instance of each service was asked how it is. */
  const asked = new Map<string, number>();
  beforeAll(async () => {
    bench = await TestBench.start({
      services: [
        { name: 'registry', module: RegistryModule },
        { name: 'health', module: HealthModule },
      ],
      environment: { REGISTRY_TERMINATING_MS: '200' },
    });
    server = createServer(({ url = '' }, response) => {
      const service = url.slice(1);
      asked.set(service, (asked.get(service) ?? 0) + 1);
      response.writeHead(failing.has(service) ? 503 : 200).end();
    });
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

  const register = (
    service: string,
    dependencies: readonly (string | object)[],
    phases: { readonly liveness?: { readonly endpoint: string } } = {},
  ) =>
    bench.accepted(`command.registry.RegisterService.${service}`, {
      service_version: '1.0.0',
      service_type: 'api',
      deployment_environment: 'production',
      dependencies: dependencies as never,
      health_check_endpoint: `/${service}`,
      health_check: { interval_ms: 100, timeout_ms: 2_000, failure_threshold: 1, ...phases },
    });
  const start = (service: string, more: object = {}) =>
    bench.accepted(`command.registry.RegisterInstance.${service}-1`, {
      ...more,
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

  const offered = (service: string, expected: object) =>
    bench.eventually(
      () =>
        bench.answer<{ reasons: readonly { message: string }[] }>(
          'query.registry.explain-instance',
          { service_id: service, instance_id: `${service}-1` },
        ),
      (seen) => expect(seen).toMatchObject(expected),
    );
  const told = async (service: string) =>
    (await bench.events(`check-${service}-1`)).filter(({ type }) => type === 'HealthChanged');

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
    // It may have failed before the ledger was found to: then it is told again.
    await bench.eventually(
      async () => (await bench.events('check-billing-1')).at(-1)?.data,
      (data) =>
        expect(data).toMatchObject({
          inherited: { origin: 'ledger', path: ['billing', 'ledger'] },
        }),
    );
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
      components: {
        billing: { status: 'unhealthy', healthy_instances: 0, is_scaled_to_zero: true },
      },
    });
    await start('billing');
    await becomes({ status: 'healthy' });
    expect((await system()).components['billing']).not.toHaveProperty('is_scaled_to_zero');
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

  it('sends nobody to restart what cannot work without another one', async () => {
    failing.clear();
    await register('till', ['ledger'], { liveness: { endpoint: '/till' } });
    await start('till');
    await becomes({ status: 'healthy', components: { till: { status: 'healthy' } } });
    failing.add('ledger');
    await becomes({ components: { ledger: { status: 'unhealthy' } } });
    failing.add('till');
    const inherited = { origin: 'ledger', path: ['till', 'ledger'] };
    const { reasons } = await offered('till', { reasons: [{ code: 'inherited', inherited }] });
    expect(reasons[0]?.message).toBe(
      'its liveness check fails: HTTP 503. The failure began in ledger (till → ledger): a restart of this one helps nobody',
    );
    expect(await bench.answer('query.health.list-health', { service_name: 'till' })).toMatchObject({
      instances: [{ reason: 'inherited', inherited }],
    });
    // What everybody is told, from the first word.
    const [, ...failures] = await told('till');
    for (const { data } of failures) expect(data).toMatchObject({ status: 'unhealthy', inherited });
    expect(failures.at(-1)?.data).toMatchObject({ reason: 'inherited' });

    failing.delete('ledger');
    const [own] = (await offered('till', { reasons: [{ code: 'needs-restart' }] })).reasons;
    expect(own).not.toHaveProperty('inherited');
    expect((await told('till')).at(-1)?.data).not.toHaveProperty('inherited');
    failing.add('ledger');
    await offered('till', { reasons: [{ code: 'inherited', inherited }] });
    failing.clear();
    await becomes({ status: 'healthy' });
  });

  it('keeps sending people to restart what failed before the other one was scaled to nothing', async () => {
    failing.clear();
    await register('till', ['float'], { liveness: { endpoint: '/till' } });
    await register('float', []);
    for (const service of ['till', 'float']) await start(service);
    await becomes({ components: { till: { status: 'healthy' }, float: { status: 'healthy' } } });
    failing.add('till');
    await offered('till', { reasons: [{ code: 'needs-restart' }] });
    // Some intervals go by, so that nobody takes one for the cause of the other.
    const before = asked.get('till') ?? 0;
    await bench.eventually(
      () => asked.get('till') ?? 0,
      (times) => times > before + 20,
    );
    await bench.accepted('command.registry.DeregisterInstance.float-1', { service_id: 'float' });
    const inherited = { origin: 'float', path: ['till', 'float'] };
    const { reasons } = await offered('till', { reasons: [{ code: 'needs-restart', inherited }] });
    expect(reasons[0]?.message).toBe(
      'its liveness check fails, it needs a restart: HTTP 503. Later float failed too, without which it cannot work (till → float)',
    );
    const listed = (expected: object) =>
      bench.eventually(
        () => bench.answer('query.health.list-health', { service_name: 'till' }),
        (seen) => expect(seen).toMatchObject({ instances: [expected] }),
      );
    await listed({ reason: 'needs-restart', inherited });

    // One that comes after the other one is gone fails for want of it.
    await bench.accepted('command.registry.DeregisterInstance.till-1', { service_id: 'till' });
    await offered('till', { reasons: [{ code: 'has-ended' }] });
    await start('till');
    await offered('till', { reasons: [{ code: 'inherited', inherited }] });
    await listed({ reason: 'inherited', inherited });
    failing.clear();
    await start('float');
    await becomes({ status: 'healthy' });
  });

  it('tells who was scaled to nothing from who was lost', async () => {
    await register('mute', []);
    await start('mute', { heartbeat_ttl_ms: 1_000 });
    await bench.eventually(
      async () => (await bench.events('check-mute-1')).map(({ type }) => type),
      (types) => expect(types).toContain('InstanceForgotten'),
      30_000,
    );
    await becomes({ components: { mute: { status: 'unhealthy' } } });
    expect((await system()).components['mute']).not.toHaveProperty('is_scaled_to_zero');
    await start('mute');
    await bench.accepted('command.registry.DeregisterInstance.mute-1', { service_id: 'mute' });
    await becomes({ components: { mute: { status: 'unhealthy', is_scaled_to_zero: true } } });
  });

  it('comes to the same when it is made anew from the log', async () => {
    expect(
      await bench.bus.query('query.health.verify-read-model', { name: 'health.checks' }),
    ).toMatchObject({ ok: true, data: { is_equal: true } });
  });
});
