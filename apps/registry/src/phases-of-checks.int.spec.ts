import { HealthModule } from '@downbeat/health-service';
import { RegistryModule } from '@downbeat/registry-service';
import { TestBench } from '@downbeat/test-bench';
import { Instance } from './testing/instance';

type Health = { readonly instances: readonly object[] };
type Offer = { readonly is_offered: boolean; readonly reasons: readonly object[] };

/** One that is starting, lives, and would be ready. */
const starting = async (): Promise<Instance> => {
  const instance = await Instance.start();
  Object.assign(instance.statuses, { '/started': 503, '/live': 200, '/ready': 200 });
  return instance;
};

describe('instances with phases', () => {
  let bench: TestBench;
  const instances: Instance[] = [];
  beforeAll(async () => {
    bench = await TestBench.start({
      services: [
        { name: 'registry', module: RegistryModule },
        { name: 'health', module: HealthModule },
      ],
    });
  });
  afterEach(async () => {
    await Promise.all(instances.splice(0).map((instance) => instance.stop()));
  });
  afterAll(() => bench?.stop());

  const phases = (startup_timeout_ms: number) => ({
    interval_ms: 100,
    timeout_ms: 20_000,
    failure_threshold: 2,
    startup: { endpoint: '/started', startup_timeout_ms },
    liveness: { endpoint: '/live' },
    readiness: { endpoint: '/ready', failure_threshold: 1 },
  });
  const start = async (service: string, startupTimeoutMs = 60_000): Promise<Instance> => {
    const instance = await starting();
    instances.push(instance);
    await bench.accepted(`command.registry.RegisterService.${service}`, {
      service_version: '1.0.0',
      service_type: 'api',
      deployment_environment: 'production',
      dependencies: [],
      health_check: phases(startupTimeoutMs),
    });
    await bench.accepted(`command.registry.RegisterInstance.${service}-1`, {
      service_id: service,
      node_name: 'here',
      ip_address: '127.0.0.1',
      port: instance.port,
      version: '1.0.0',
    });
    return instance;
  };
  const becomes = (service: string, expected: object) =>
    bench.eventually(
      async () =>
        (await bench.answer<Health>('query.health.list-health', { service_name: service }))
          .instances[0],
      (seen) => expect(seen).toMatchObject(expected),
    );
  const offer = (service: string, expected: object) =>
    bench.eventually(
      () =>
        bench.answer<Offer>('query.registry.explain-instance', {
          service_id: service,
          instance_id: `${service}-1`,
        }),
      (seen) => expect(seen).toMatchObject(expected),
    );
  const askedTimes = (instance: Instance, path: string, times: number) =>
    bench.eventually(
      () => instance.paths.filter((asked) => asked === path).length,
      (count) => count >= times,
    );

  it('start first; then they are ready or not, and live or not', async () => {
    const instance = await start('shop');
    await askedTimes(instance, '/started', 4);
    expect(new Set(instance.paths)).toEqual(new Set(['/started']));
    await becomes('shop', { status: 'starting', phase: 'startup' });
    await offer('shop', {
      is_offered: false,
      reasons: [{ code: 'not-checked-yet', message: expect.stringContaining('startup check') }],
    });

    instance.statuses['/started'] = 200;
    await becomes('shop', { status: 'healthy', phase: 'readiness' });
    await offer('shop', { is_offered: true });
    const asked = instance.paths.filter((path) => path === '/started').length;

    instance.statuses['/ready'] = 503;
    await becomes('shop', { status: 'unhealthy', phase: 'readiness', reason: 'not-ready' });
    await offer('shop', {
      is_offered: false,
      reasons: [{ code: 'not-ready', phase: 'readiness', message: expect.stringContaining('503') }],
    });

    instance.statuses['/live'] = 500;
    await becomes('shop', {
      status: 'unhealthy',
      phase: 'liveness',
      reason: 'needs-restart',
      detail: 'HTTP 500',
    });
    await offer('shop', {
      reasons: [
        {
          code: 'needs-restart',
          phase: 'liveness',
          message: expect.stringContaining('needs a restart: HTTP 500'),
        },
      ],
    });

    instance.statuses['/live'] = 200;
    await becomes('shop', { reason: 'not-ready', detail: 'HTTP 503' });
    instance.statuses['/ready'] = 200;
    await becomes('shop', { status: 'healthy' });
    expect(instance.paths.filter((path) => path === '/started')).toHaveLength(asked);
    expect((await bench.events('check-shop-1')).map(({ type }) => type)).toEqual([
      'CheckStarted',
      'StartupPassed',
      ...Array<string>(5).fill('HealthChanged'),
    ]);
  });

  it('that do not start in time have failed, until they have', async () => {
    const instance = await start('slow', 300);
    await becomes('slow', { status: 'unhealthy', phase: 'startup', reason: 'startup-timed-out' });
    await offer('slow', {
      is_offered: false,
      reasons: [{ code: 'startup-timed-out', phase: 'startup' }],
    });
    expect(instance.paths).not.toContain('/ready');
    instance.statuses['/started'] = 200;
    await becomes('slow', { status: 'healthy', phase: 'readiness' });
    await offer('slow', { is_offered: true });
  });

  it('have started once and for all, whoever checks them', async () => {
    const instance = await start('lasting');
    instance.statuses['/started'] = 200;
    await becomes('lasting', { status: 'healthy' });
    instance.statuses['/started'] = 503;
    await bench.stopService('health');
    const asked = instance.paths.length;
    await bench.startService('health');
    await bench.eventually(
      () => instance.paths.length,
      (count) => count > asked + 4,
    );
    expect(instance.paths.slice(asked)).not.toContain('/started');
    await becomes('lasting', { status: 'healthy' });
  });
});
