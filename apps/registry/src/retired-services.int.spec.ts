import type { AnswerOf, healthContract, registryContract } from '@downbeat/contracts';
import { HealthModule } from '@downbeat/health-service';
import { RegistryModule } from '@downbeat/registry-service';
import { TestBench } from '@downbeat/test-bench';
import { Instance } from './testing/instance';

type Services = AnswerOf<typeof registryContract.listServices>;
type Directory = AnswerOf<typeof registryContract.directory>;
type Graph = AnswerOf<typeof registryContract.dependencyGraph>;
type Declared = AnswerOf<typeof registryContract.listDependencies>;
type System = AnswerOf<typeof healthContract.systemHealth>;

describe('a service that is no more, on real Postgres and NATS', () => {
  let bench: TestBench;
  let instance: Instance;
  beforeAll(async () => {
    bench = await TestBench.start({
      services: [
        { name: 'registry', module: RegistryModule },
        { name: 'health', module: HealthModule },
      ],
      environment: { REGISTRY_TERMINATING_MS: '200' },
    });
    instance = await Instance.start();
    await register('ledger', { capabilities: ['booking'], base_url: 'http://ledger.invalid' });
    await register('billing', { dependencies: ['ledger'] });
    await registerInstance();
    await bench.eventually(system, ({ components }) => components['ledger']?.status === 'healthy');
  });
  afterAll(async () => {
    await instance?.stop();
    await bench?.stop();
  });

  const register = (service: string, more = {}) =>
    bench.accepted(`command.registry.RegisterService.${service}`, {
      service_version: '1.0.0',
      service_type: 'api',
      deployment_environment: 'production',
      dependencies: [],
      health_check: { interval_ms: 100, timeout_ms: 2_000 },
      ...more,
    });
  const registerInstance = () =>
    bench.accepted('command.registry.RegisterInstance.ledger-1', {
      service_id: 'ledger',
      node_name: 'here',
      ip_address: '127.0.0.1',
      port: instance.port,
      version: '1.0.0',
    });
  const retire = (body = {}) => bench.command('command.registry.RetireService.ledger', body);
  const system = () => bench.answer<System>('query.health.system-health', {});
  const listed = async (filter = {}) => {
    const { services } = await bench.answer<Services>('query.registry.list-services', filter);
    return services.map(({ service_name }) => service_name);
  };
  /** As callers are told, which is a moment after the log says it. */
  const offered = async () => {
    const { services } = await bench.answer<Directory>('query.registry.directory', { since: 0 });
    return services.find(({ service_name }) => service_name === 'ledger');
  };

  it('is not one while it has instances, nor while another one cannot work without it', async () => {
    expect(await retire()).toMatchObject({
      accepted: false,
      problem: { code: 'service-has-instances', kind: 'conflict' },
    });
    await bench.accepted('command.registry.DeregisterInstance.ledger-1', { service_id: 'ledger' });
    const refused = await bench.eventually(retire, (outcome) =>
      expect(outcome).toMatchObject({ problem: { code: 'service-is-needed' } }),
    );
    expect(refused).toMatchObject({ problem: { message: expect.stringContaining('billing') } });
    expect(await listed()).toEqual(['billing', 'ledger']);
  });

  it('is found by nobody, and makes nothing ill', async () => {
    await bench.eventually(
      system,
      ({ components }) => components['ledger']?.status === 'unhealthy',
    );
    expect(await retire({ force: true, reason: 'sold' })).toMatchObject({ accepted: true });
    await bench.eventually(system, ({ components }) => !('ledger' in components));
    expect((await system()).status).toBe('healthy');
    expect(await listed()).toEqual(['billing']);
    expect(await listed({ is_active: false })).toEqual(['ledger']);
    const nobody = { capabilities: [], instance_count: 0, targets: [] };
    await bench.eventually(offered, (one) => expect(one).toMatchObject(nobody));
    expect(await offered()).not.toHaveProperty('base_url');
    expect(
      await bench.answer('query.registry.get-service', { service_id: 'ledger' }),
    ).toMatchObject({
      is_active: false,
      retirement_reason: 'sold',
    });
  });

  it('takes no instances and no changes', async () => {
    for (const [name, id, body] of [
      ['UpdateService', 'ledger', { owner_team: 'money' }],
      ['UpdateService', 'ledger', { dependencies: ['billing'] }],
      [
        'RegisterInstance',
        'ledger-2',
        {
          service_id: 'ledger',
          ip_address: '127.0.0.1',
          port: 1,
          version: '1.0.0',
          node_name: 'n',
        },
      ],
    ] as const)
      expect(await bench.command(`command.registry.${name}.${id}`, body)).toMatchObject({
        problem: { code: 'service-retired', kind: 'conflict' },
      });
    expect(await retire()).toMatchObject({ accepted: true });
    const needed = await bench.events('dependencies-all');
    expect(needed.map(({ data }) => data['service_name'])).toEqual(['billing']);
  });

  it('is missing to those who need it, and is not started before them', async () => {
    const graph = await bench.answer<Graph>('query.registry.dependency-graph', {});
    expect(graph.services).toEqual(['billing']);
    expect(graph.missing).toEqual([{ source: 'billing', target: 'ledger' }]);
    const declared = await bench.answer<Declared>('query.registry.list-dependencies', {
      service_id: 'billing',
    });
    expect(declared.dependencies).toMatchObject([{ service_name: 'ledger', status: 'missing' }]);
  });

  it('is as before to whoever asks for the past', async () => {
    const [registered] = await bench.events('service-ledger');
    const { services } = await bench.answer<Services>(
      'query.registry.list-services',
      {},
      { at: registered?.position ?? 0 },
    );
    expect(services).toMatchObject([{ service_name: 'ledger', is_active: true }]);
  });

  it('is back when it is registered again', async () => {
    await register('ledger', { capabilities: ['booking'] });
    const here = { capabilities: ['booking'] };
    await bench.eventually(offered, (one) => expect(one).toMatchObject(here));
    expect(await listed()).toEqual(['billing', 'ledger']);
    await registerInstance();
    await bench.eventually(system, ({ components }) => components['ledger']?.status === 'healthy');
  });

  it('takes along an instance that registers at the same moment, once it is retired', async () => {
    for (let n = 1; n <= 5; n++) {
      const [name, id] = [`hasty-${n}`, `hasty-${n}-1`];
      await register(name);
      const [registered, retired] = await Promise.all([
        bench.command(`command.registry.RegisterInstance.${id}`, {
          service_id: name,
          node_name: 'here',
          ip_address: '127.0.0.1',
          port: instance.port,
          version: '1.0.0',
        }),
        bench.command(`command.registry.RetireService.${name}`, {}),
      ]);
      if (!retired.accepted || !registered.accepted) continue;
      await bench.eventually(
        () => bench.events(`instance-${id}`),
        (events) => expect(events.map(({ type }) => type)).toContain('InstanceTerminating'),
      );
    }
  });

  it('leaves read models that are the same when they are built anew', async () => {
    for (const [context, name] of [
      ['registry', 'registry.services'],
      ['health', 'health.checks'],
    ])
      expect(await bench.bus.query(`query.${context}.verify-read-model`, { name })).toMatchObject({
        data: { is_equal: true },
      });
  });
});
