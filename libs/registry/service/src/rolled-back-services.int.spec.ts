import type { AnswerOf, registryContract } from '@downbeat/contracts';
import type { JsonObject } from '@downbeat/eventsourcing';
import { TestBench } from '@downbeat/test-bench';
import { RegistryModule } from './registry.module';
import { described, registryCalls } from './testing/registry-calls';

const WITHIN_MS = 30_000;

describe('services that go back to an older version, on real Postgres and NATS', () => {
  let bench: TestBench;
  beforeAll(async () => {
    bench = await TestBench.start({
      // Whichever is asked: they share the commands.
      services: ['registry', 'registry-2'].map((name) => ({ name, module: RegistryModule })),
      environment: { REGISTRY_TERMINATING_MS: '400' },
    });
  });
  afterAll(() => bench?.stop());

  const { command, accepted, register, registerInstance, get, types } = registryCalls(() => bench);

  const older = {
    ...described,
    dependencies: ['ledger'],
    capabilities: ['both'],
    health_check_endpoint: '/up',
  };
  const newer = {
    ...described,
    service_version: '2.0.0',
    dependencies: ['treasury'],
    capabilities: ['both', 'new'],
    health_check_endpoint: '/v2/up',
    owner_team: 'money',
  };
  const isNewer = { service_version: '2.0.0', dependencies: ['treasury'], owner_team: 'money' };
  const isOlder = { service_version: '1.4.0', dependencies: ['ledger'], capabilities: ['both'] };

  /** What the older version is answered when it says what the service is. */
  const saidByOlder = async (service: string, said: JsonObject = older): Promise<unknown> => {
    const outcome = await command('RegisterService', service, said);
    if (!outcome.accepted) throw new Error(JSON.stringify(outcome));
    return outcome.answer['service_version'];
  };
  const dependenciesOf = async (service_id: string) => {
    const { dependencies } = await bench.answer<AnswerOf<typeof registryContract.listDependencies>>(
      'query.registry.list-dependencies',
      { service_id },
    );
    return dependencies.map(({ service_name }) => service_name);
  };
  /** The older version says it again and again, as its instances do, until it holds. */
  const untilOlderHolds = (service: string, said: JsonObject = older) =>
    bench.eventually(
      () => saidByOlder(service, said),
      (version) => version === said['service_version'],
      WITHIN_MS,
    );

  /** Longer than the time in which an instance may still come. */
  const untilDescribedFor = (service: string, ms: number) =>
    bench.eventually(
      () =>
        bench.rows<{ ms: number }>(
          `select extract(epoch from clock_timestamp() - max(recorded_at))::float8 * 1000 as ms
           from log.event where stream = $1`,
          [`service-${service}`],
        ),
      ([described]) => (described?.ms ?? 0) > ms,
      WITHIN_MS,
    );

  it('stay what a newer version says while an instance of it is there', async () => {
    await register('rolled', newer);
    await registerInstance('rolled', 'rolled-2', { version: '2.0.0' });
    await registerInstance('rolled', 'rolled-1');
    await untilDescribedFor('rolled', 1_000);
    expect(await saidByOlder('rolled')).toBe('2.0.0');
    expect(await get('rolled')).toMatchObject(isNewer);
    expect(await dependenciesOf('rolled')).toEqual(['treasury']);
    expect(await types('service-rolled')).toEqual(['ServiceRegistered']);
  });

  it('are what the older one says when the last instance of the newer one has gone', async () => {
    await register('back', older);
    await registerInstance('back', 'back-1');
    await register('back', newer);
    await registerInstance('back', 'back-2', { version: '2.0.0' });
    expect(await saidByOlder('back')).toBe('2.0.0');
    await untilDescribedFor('back', 1_000);
    await accepted('DeregisterInstance', 'back-2', { service_id: 'back' });
    await untilOlderHolds('back');
    const found = await get('back');
    expect(found).toMatchObject(isOlder);
    expect(found).not.toHaveProperty('owner_team');
    expect(found).not.toHaveProperty('rolled_back_from');
    expect(await dependenciesOf('back')).toEqual(['ledger']);
    const events = await bench.events('service-back');
    expect(events.map(({ type }) => type)).toEqual([
      'ServiceRegistered',
      'ServiceChanged',
      'ServiceRegistered',
    ]);
    expect(events.at(-1)?.data).toMatchObject({ ...isOlder, rolled_back_from: '2.0.0' });
    // It could have come back: while it was listed it counted.
    const removed = (await bench.events('instance-back-2')).at(-1);
    expect(removed?.type).toBe('InstanceRemoved');
    expect(events.at(-1)?.position).toBeGreaterThan(removed?.position ?? Infinity);
    expect(
      await bench.bus.query('query.registry.verify-read-model', { name: 'registry.services' }),
    ).toMatchObject({ ok: true, data: { is_equal: true } });
  });

  it('go back from a version that somebody mistyped, and need what they needed', async () => {
    await register('typo', { ...newer, service_version: '20.0.0' });
    await registerInstance('typo', 'typo-2', { version: '2.0.0' });
    await untilDescribedFor('typo', 1_000);
    // Who is older than those that are there has no news, whatever was mistyped.
    expect(await saidByOlder('typo')).toBe('20.0.0');
    await untilOlderHolds('typo', newer);
    expect(await get('typo')).toMatchObject(isNewer);
    expect((await bench.events('service-typo')).at(-1)?.data).toMatchObject({
      rolled_back_from: '20.0.0',
    });
  });

  it('stay what somebody has set, whoever comes back on another connection', async () => {
    await register('set', newer);
    await registerInstance('set', 'set-2', { version: '2.0.0' });
    for (const service_version of ['1.4.0', '2.0.1']) {
      await accepted('UpdateService', 'set', { service_version, owner_team: 'people' });
      await untilDescribedFor('set', 1_000);
      const outcome = await command('RegisterInstance', 'set-2', {
        ...{ service_id: 'set', node_name: 'node-a', ip_address: '10.0.0.7', port: 3000 },
        ...{ version: '2.0.0', session: { server_id: 'NATS', client_id: 7 } },
      });
      expect(outcome).toMatchObject({ accepted: true, answer: { instance_id: 'set-2' } });
      expect(outcome).not.toHaveProperty('answer.service_version');
      expect(await get('set')).toMatchObject({ service_version, owner_team: 'people' });
    }
    // Nor for one that starts, and is older than that.
    expect(await saidByOlder('set', newer)).toBe('2.0.1');
    expect(await get('set')).toMatchObject({ service_version: '2.0.1', owner_team: 'people' });
    expect(await get('set')).not.toHaveProperty('is_version_set');
    expect(await saidByOlder('set', { ...newer, service_version: '2.1.0' })).toBe('2.1.0');
  });

  it('go back once when all instances of the older version say so at once', async () => {
    await register('crowd', newer);
    await untilDescribedFor('crowd', 1_000);
    await Promise.all(Array.from({ length: 20 }, () => saidByOlder('crowd')));
    // A replica that has not read the log yet leaves the service as it is, and is told again.
    await untilOlderHolds('crowd');
    expect(await types('service-crowd')).toEqual(['ServiceRegistered', 'ServiceRegistered']);
  });

  it('are what an instance of the newer version says when it comes back', async () => {
    await register('again', newer);
    await untilDescribedFor('again', 1_000);
    await untilOlderHolds('again');
    await register('again', newer);
    await registerInstance('again', 'again-2', { version: '2.0.0' });
    await untilDescribedFor('again', 1_000);
    expect(await saidByOlder('again')).toBe('2.0.0');
  });
});
