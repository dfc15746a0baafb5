import { HealthModule } from '@downbeat/health-service';
import { RegistryModule } from '@downbeat/registry-service';
import { quickOnce, TestBench } from '@downbeat/test-bench';
import { Instance } from './testing/instance';

type Found = { readonly instances: readonly { instance_id: string; url: string }[] };
type Offer = {
  readonly is_offered: boolean;
  readonly reasons: readonly { readonly code: string; readonly message: string }[];
};
type Health = {
  readonly instances: readonly {
    instance_id: string;
    status: string;
    url: string;
    failures: number;
    detail?: string;
  }[];
};

describe('registry and health, over real NATS', () => {
  let bench: TestBench;
  let instances: Instance[] = [];
  beforeAll(async () => {
    bench = await TestBench.start({
      services: [
        { name: 'registry', module: RegistryModule },
        { name: 'health', module: HealthModule },
      ],
      environment: { REGISTRY_TERMINATING_MS: '300' },
    });
  });
  afterEach(async () => {
    await Promise.all(instances.map((instance) => instance.stop()));
    instances = [];
  });
  afterAll(() => bench?.stop());

  /** On a busy machine whoever works may take its time to answer. */
  const check = { interval_ms: 100, timeout_ms: 2_000, failure_threshold: 2, success_threshold: 1 };
  const register = (service: string, more = {}) =>
    bench.accepted(`command.registry.RegisterService.${service}`, {
      service_version: '1.0.0',
      service_type: 'api',
      deployment_environment: 'production',
      dependencies: [],
      health_check: check,
      ...more,
    });
  const start = async (service: string, id: string): Promise<Instance> => {
    const instance = await Instance.start();
    instances.push(instance);
    await bench.accepted(`command.registry.RegisterInstance.${id}`, {
      service_id: service,
      node_name: 'here',
      ip_address: '127.0.0.1',
      port: instance.port,
      version: '1.0.0',
    });
    return instance;
  };
  const found = async (by: { service_name: string } | { capability: string; version?: string }) => {
    const { instances: targets } = await bench.answer<Found>('query.registry.find-instances', by);
    return targets.map(({ instance_id }) => instance_id);
  };
  const become = (service: string, ids: readonly string[]) =>
    bench.eventually(
      () => found({ service_name: service }),
      (seen) => expect(seen).toEqual(ids),
    );
  const offerOf = (service_id: string, instance_id: string, more = {}) =>
    bench.answer<Offer>('query.registry.explain-instance', { service_id, instance_id, ...more });
  const healthOf = async (service: string) =>
    (await bench.answer<Health>('query.health.list-health', { service_name: service })).instances;

  it('an instance is found by service and capability once it answers', async () => {
    await register('billing', {
      capabilities: ['invoicing', { name: 'refunds', version: '0.3.1' }],
    });
    const instance = await start('billing', 'billing-1');
    await become('billing', ['billing-1']);
    expect(await found({ capability: 'invoicing' })).toEqual(['billing-1']);
    expect(await found({ capability: 'baking' })).toEqual([]);
    expect(await found({ capability: 'invoicing', version: '^1.0.0' })).toEqual(['billing-1']);
    expect(await found({ capability: 'refunds', version: '0.3.x' })).toEqual(['billing-1']);
    expect(await found({ capability: 'refunds', version: '^1.0.0' })).toEqual([]);
    expect(await offerOf('billing', 'billing-1', { capability: 'invoicing' })).toMatchObject({
      is_offered: true,
      reasons: [],
    });
    expect(await offerOf('billing', 'billing-1', { capability: 'baking' })).toMatchObject({
      is_offered: false,
      reasons: [{ code: 'lacks-the-capability', message: expect.stringContaining('baking') }],
    });
    const newer = { capability: 'refunds', version: '>=1' };
    expect(await offerOf('billing', 'billing-1', newer)).toMatchObject({
      reasons: [
        { message: expect.stringContaining('refunds in version 0.3.1, not in a version of >=1') },
      ],
    });
    expect(instance.paths).toContain('/health');
    const [target] = (
      await bench.answer<Found>('query.registry.find-instances', { service_name: 'billing' })
    ).instances;
    expect(target?.url).toBe(`http://127.0.0.1:${instance.port}`);
  });

  it.each(['fails', 'hangs'] as const)(
    'an instance that %s leaves the lookup within a second of its threshold, and returns',
    async (answers) => {
      const isSilent = answers === 'hangs';
      const impatient = { ...check, timeout_ms: isSilent ? 100 : check.timeout_ms };
      // Two failures in a row, each an interval apart at most, and a time-out if it is waited for; and one second.
      const thresholdMs =
        2 * (impatient.interval_ms * 1.05 + (isSilent ? impatient.timeout_ms : 0));
      await quickOnce(thresholdMs + 1_000, async (number) => {
        const service = `leaver-${answers}-${number}`;
        await register(service, { health_check: impatient });
        const instance = await start(service, `${service}-1`);
        await become(service, [`${service}-1`]);
        const began = performance.now();
        instance.answers = answers;
        await become(service, []);
        const tookMs = performance.now() - began;
        await bench.eventually(
          () => healthOf(service),
          (seen) => expect(seen).toMatchObject([{ status: 'unhealthy', failures: 2 }]),
        );
        expect(await offerOf(service, `${service}-1`)).toMatchObject({
          is_offered: false,
          reasons: [
            {
              code: 'fails-its-checks',
              message: expect.stringMatching(isSilent ? /within 100 ms|timed? ?out/i : /503/),
            },
          ],
        });
        instance.answers = 'ok';
        await become(service, [`${service}-1`]);
        return tookMs;
      });
    },
  );

  it('an instance that never answers is never found', async () => {
    await register('dead');
    const instance = await start('dead', 'dead-1');
    instance.answers = 'fails';
    await bench.eventually(
      () => healthOf('dead'),
      ([one]) => one?.status === 'unhealthy',
    );
    expect(await found({ service_name: 'dead' })).toEqual([]);
  });

  it('one failure alone changes nothing', async () => {
    await register('odd');
    const instance = await start('odd', 'odd-1');
    await become('odd', ['odd-1']);
    const asked = instance.paths.length;
    instance.answers = 'fails';
    await bench.eventually(
      () => instance.paths.length,
      (count) => count > asked,
    );
    instance.answers = 'ok';
    await bench.eventually(
      () => instance.paths.length,
      (count) => count > asked + 2,
    );
    const types = (await bench.events('check-odd-1')).map(({ type }) => type);
    expect(types).toEqual(['CheckStarted', 'HealthChanged']);
  });

  it('an instance that says goodbye is found no more and checked no more', async () => {
    await register('leaving');
    const instance = await start('leaving', 'leaving-1');
    await become('leaving', ['leaving-1']);
    await bench.accepted('command.registry.DeregisterInstance.leaving-1', {
      service_id: 'leaving',
    });
    await become('leaving', []);
    await bench.eventually(
      () => healthOf('leaving'),
      (seen) => seen.length === 0,
    );
    const other = await start('leaving', 'leaving-2');
    await become('leaving', ['leaving-2']);
    // Whoever checks the second has heard that the first is gone.
    const [asked, askedOther] = [instance.paths.length, other.paths.length];
    await bench.eventually(
      () => other.paths.length,
      (count) => count > askedOther + 3,
    );
    expect(instance.paths).toHaveLength(asked);
  });

  it('all instances of a service are checked as it says now, those to come too', async () => {
    await register('changing', { health_check: { ...check, interval_ms: 3_600_000 } });
    const instance = await start('changing', 'changing-1');
    await become('changing', ['changing-1']);
    await bench.accepted('command.registry.UpdateService.changing', {
      health_check: check,
      health_check_endpoint: '/up',
    });
    const asked = instance.paths.length;
    await bench.eventually(
      () => instance.paths.length,
      (count) => count > asked + 3,
    );
    expect(instance.paths.at(-1)).toBe('/up');
    await bench.eventually(
      () => healthOf('changing'),
      ([one]) => one?.url.endsWith('/up'),
    );
    const later = await start('changing', 'changing-2');
    await become('changing', ['changing-1', 'changing-2']);
    expect(new Set(later.paths)).toEqual(new Set(['/up']));
    instance.answers = 'fails';
    await become('changing', ['changing-2']);
    await bench.restart('health');
    instance.answers = 'ok';
    await become('changing', ['changing-1', 'changing-2']);
    expect(instance.paths.at(-1)).toBe('/up');
  });

  it('who is left after a rollback is checked as its own version says', async () => {
    const newer = { service_version: '2.0.0', health_check_endpoint: '/v2/health' };
    await register('turned');
    const instance = await start('turned', 'turned-1');
    await become('turned', ['turned-1']);
    instance.statuses['/v2/health'] = 404;
    await register('turned', newer);
    await become('turned', []);
    // As an instance does that is told that another version stands. Nobody runs that one any more.
    await bench.eventually(
      () => register('turned').then(() => found({ service_name: 'turned' })),
      (seen) => expect(seen).toEqual(['turned-1']),
      30_000,
    );
    const later = await start('turned', 'turned-3');
    await become('turned', ['turned-1', 'turned-3']);
    expect(new Set(later.paths)).toEqual(new Set(['/health']));
  });

  it('what changes while the registry is away is known when it is back', async () => {
    await register('patient');
    const instance = await start('patient', 'patient-1');
    await become('patient', ['patient-1']);
    await bench.stopService('registry');
    instance.answers = 'fails';
    await bench.eventually(
      () => healthOf('patient'),
      ([one]) => one?.status === 'unhealthy',
    );
    await bench.startService('registry');
    await become('patient', []);
  });

  it('what is registered while health is away is checked when it is back', async () => {
    await bench.stopService('health');
    await register('early');
    await start('early', 'early-1');
    expect(await found({ service_name: 'early' })).toEqual([]);
    await bench.startService('health');
    await become('early', ['early-1']);
  });

  it('the loss of all streams is a delay, and nothing is done twice', async () => {
    await register('lossy');
    const instance = await start('lossy', 'lossy-1');
    await become('lossy', ['lossy-1']);
    await bench.loseStreams();
    instance.answers = 'fails';
    await become('lossy', []);
    instance.answers = 'ok';
    await become('lossy', ['lossy-1']);
    const types = (await bench.events('instance-lossy-1')).map(({ type }) => type);
    expect(types).toEqual([
      'InstanceRegistered',
      'InstanceHealthObserved',
      'InstanceHealthObserved',
      'InstanceHealthObserved',
    ]);
  });

  it('health in pages, and none from a foreign cursor', async () => {
    await register('paged');
    for (const n of [2, 1, 3]) await start('paged', `paged-${n}`);
    await become('paged', ['paged-1', 'paged-2', 'paged-3']);
    const ask = (input: Record<string, string | number>) =>
      bench.query('query.health.list-health', { service_name: 'paged', ...input });
    type Page = Health & { readonly next_cursor: string };
    const idsOf = ({ instances: shown }: Health) => shown.map(({ instance_id }) => instance_id);
    const pageOf = async (input: Record<string, string | number>) => {
      const page = await ask(input);
      if (!page.ok) throw new Error(page.problem.message);
      return page.data as Page;
    };
    // What the registry has heard of, the view of the checks shows a moment later.
    await bench.eventually(
      () => pageOf({}),
      (page) => expect(idsOf(page)).toHaveLength(3),
    );
    const first = await pageOf({ limit: 2 });
    expect(idsOf(first)).toEqual(['paged-1', 'paged-2']);
    expect(idsOf(await pageOf({ cursor: first.next_cursor }))).toEqual(['paged-3']);
    expect(await ask({ cursor: 'nonsense' })).toMatchObject({
      problem: { kind: 'invalid', errors: [{ field: 'cursor' }] },
    });
  });

  it('sets no message aside in all of this', async () => {
    expect(await bench.deadLetters()).toEqual([]);
  });
});
