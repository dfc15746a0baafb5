import { registryContract } from '@downbeat/contracts';
import { TestBench } from '@downbeat/test-bench';
import { RegistryModule } from '../registry.module';
import { ConfigurationBench } from '../testing/configuration-bench';

const HOUR = { observe_seconds: 3_600 };

describe('a gate before a configuration stays in force, on real Postgres and NATS', () => {
  let bench: ConfigurationBench<TestBench>;
  beforeAll(async () => {
    bench = new ConfigurationBench(
      await TestBench.start({
        services: [
          { name: 'registry', module: RegistryModule },
          { name: 'registry-2', module: RegistryModule },
        ],
        environment: { REGISTRY_TERMINATING_MS: '400' },
      }),
    );
  });
  afterAll(() => bench?.stop());

  const of = (service_id: string) => ({ service_id, environment: 'production' });
  const types = async (service: string) =>
    (await bench.suite.events(`configuration-${service}:production`)).map(({ type }) => type);
  const reverted = (service: string) =>
    bench.suite.eventually(
      () => bench.history(service),
      ([now, before]) => now?.cause === 'revert' && before?.status === 'reverted',
    );

  it('takes back what an instance refuses, and says why', async () => {
    const { first, second } = await bench.running('refused', 'refused-1', 'refused-2');
    expect(await bench.activate('refused', '2', { gate: HOUR })).toMatchObject({
      status: 'observing',
    });
    expect(await bench.effective('refused')).toMatchObject({ checksum: second });
    await bench.acknowledge('refused', 'refused-1', second, {
      ...{ outcome: 'refused', reason: 'pool is too large for this database' },
    });
    const because = 'an instance refused it: refused-1 (pool is too large for this database)';
    expect(await reverted('refused')).toMatchObject([
      { activation: 3, cause: 'revert', config_version: '1', because, status: 'active' },
      {
        ...{ activation: 2, status: 'reverted', because },
        evidence: { instances: 2, refused: 1, refusals: [{ instance_id: 'refused-1' }] },
      },
      { activation: 1, status: 'superseded' },
    ]);
    expect(await bench.effective('refused')).toMatchObject({ checksum: first, activation: 3 });
  });

  it('does not count a refusal of an earlier activation of the same', async () => {
    const { second } = await bench.running('late', 'late-1');
    await bench.activate('late', '2');
    await bench.rollBack('late');
    await bench.activate('late', '2', { gate: { ...HOUR, refused_max: 0 } });
    const refused = { outcome: 'refused', reason: 'not yet' };
    expect(
      await bench.acknowledge('late', 'late-1', second, { ...refused, activation: 2 }),
    ).toEqual({ instance_id: 'late-1', is_current: true });
    const [, early] = await bench.suite.events('applied-configuration-late-1');
    expect(early?.data).toMatchObject({ ...refused, checksum: second });
    expect(early?.data).not.toHaveProperty('activation');
    await bench.acknowledge('late', 'late-1', second, { ...refused, activation: 4 });
    expect((await reverted('late'))[1]).toMatchObject({ activation: 4, status: 'reverted' });
    // Nothing else was taken back: the earlier refusal was seen by no gate.
    const all = await types('late');
    expect(all.filter((type) => type === 'ActivationReverted')).toHaveLength(1);
  });

  it('takes back what makes too many unhealthy', async () => {
    await bench.running('ill', 'ill-1', 'ill-2', 'ill-3');
    await bench.activate('ill', '2', { gate: { ...HOUR, unhealthy_max_percent: 40 } });
    await bench.observe('ill', 'ill-1', 'unhealthy');
    await bench.observe('ill', 'ill-2', 'unhealthy');
    const [, before] = await reverted('ill');
    expect(before).toMatchObject({
      because: 'unhealthy are 2 of 3 instances (67 %), more than 40 %',
    });
  });

  it('takes back what killed an instance, whose heartbeats stay away', async () => {
    await bench.running('dying');
    await bench.carryOut('RegisterInstance', 'dying-1', {
      ...{ service_id: 'dying', node_name: 'n', ip_address: '10.0.0.7', port: 3000 },
      ...{ version: '1.0.0', heartbeat_ttl_ms: 5_000 },
    });
    await bench.activate('dying', '2', { gate: HOUR });
    const [, before] = await reverted('dying');
    expect(before?.evidence).toMatchObject({ instances: 1, unhealthy: 1 });
  });

  describe('of a service with an instance that was unhealthy before', () => {
    /** One of two is. */
    const ailing = async (service: string) => {
      const checksums = await bench.running(service, `${service}-1`, `${service}-2`);
      await bench.observe(service, `${service}-2`, 'unhealthy');
      return checksums;
    };
    const passed = (service: string) =>
      bench.suite.eventually(
        () => bench.history(service),
        ([now]) => now?.status === 'active' && now.judged_at !== undefined,
      );

    it('does not blame it for that one', async () => {
      await ailing('ailing');
      await bench.activate('ailing', '2', { gate: { observe_seconds: 1 } });
      const [now] = await passed('ailing');
      expect(now).toMatchObject({
        config_version: '2',
        evidence: { instances: 2, unhealthy: 0, unhealthy_before: 1 },
      });
    });

    it('nor when that one is lost at last', async () => {
      await bench.running('waning', 'waning-1');
      await bench.carryOut('RegisterInstance', 'waning-2', {
        ...{ service_id: 'waning', node_name: 'n', ip_address: '10.0.0.7', port: 3000 },
        ...{ version: '1.0.0', heartbeat_ttl_ms: 1_000 },
      });
      await bench.observe('waning', 'waning-2', 'unhealthy');
      await bench.activate('waning', '2', { gate: { observe_seconds: 3 } });
      await bench.suite.eventually(
        () => bench.suite.events('instance-waning-2'),
        (events) => events.some(({ type }) => type === 'InstanceTerminating'),
      );
      const [now] = await passed('waning');
      expect(now).toMatchObject({ config_version: '2', evidence: { unhealthy: 0 } });
    });

    it('counts it again once it was well', async () => {
      await ailing('relapsed');
      await bench.activate('relapsed', '2', { gate: HOUR });
      await bench.observe('relapsed', 'relapsed-2', 'healthy');
      await bench.observe('relapsed', 'relapsed-2', 'unhealthy');
      const [, before] = await reverted('relapsed');
      expect(before).toMatchObject({
        because: 'unhealthy are 1 of 2 instances (50 %), more than 0 %',
      });
    });

    it('takes back what heals nobody', async () => {
      const { second } = await bench.running('incurable', 'incurable-1');
      await bench.observe('incurable', 'incurable-1', 'unhealthy');
      // However slow the rest is, it runs it by the end.
      await bench.acknowledge('incurable', 'incurable-1', second);
      await bench.activate('incurable', '2', { gate: { observe_seconds: 1 } });
      expect((await reverted('incurable'))[1]).toMatchObject({
        because: expect.stringContaining('nobody is well with it'),
        evidence: { instances: 1, unhealthy: 0, unhealthy_before: 1, applied: 1 },
      });
    });

    it('and keeps what heals it', async () => {
      const { second } = await bench.running('cured', 'cured-1');
      await bench.observe('cured', 'cured-1', 'unhealthy');
      await bench.acknowledge('cured', 'cured-1', second);
      await bench.activate('cured', '2', { gate: { observe_seconds: 8 } });
      await bench.observe('cured', 'cured-1', 'healthy');
      const [now] = await passed('cured');
      expect(now).toMatchObject({ evidence: { unhealthy: 0, unhealthy_before: 0 } });
    });
  });

  it('passes when its time is over, and is then what a later one falls back to', async () => {
    const { second } = await bench.running('held', 'held-1');
    // However slow the rest is, it runs it by the end.
    await bench.acknowledge('held', 'held-1', second);
    await bench.activate('held', '2', {
      gate: { observe_seconds: 1, applied_min_percent: 100 },
    });
    const [passed] = await bench.suite.eventually(
      () => bench.history('held'),
      ([now]) => now?.status === 'active',
    );
    expect(passed).toMatchObject({ evidence: { instances: 1, applied: 1, refused: 0 } });
    expect(passed?.evidence?.observed_ms).toBeGreaterThanOrEqual(1_000);
    await bench.create('held', { pool: 7 });
    await bench.activate('held', '3', { gate: HOUR });
    await bench.observe('held', 'held-1', 'unhealthy');
    expect((await reverted('held'))[0]).toMatchObject({ config_version: '2' });
  });

  it('takes back what too few have applied in time', async () => {
    await bench.running('slow', 'slow-1', 'slow-2');
    await bench.activate('slow', '2', { gate: { observe_seconds: 1, applied_min_percent: 50 } });
    expect((await reverted('slow'))[1]).toMatchObject({
      because: 'after 1 s it runs on 0 of 2 instances (0 %), less than 50 %',
    });
  });

  it('of a first activation leaves nothing in force', async () => {
    await bench.register('first');
    await bench.registerInstance('first', 'first-1');
    const { checksum } = await bench.create('first', { a: 1 });
    await bench.activate('first', '1', { gate: HOUR });
    await bench.acknowledge('first', 'first-1', checksum, { outcome: 'refused' });
    await bench.suite.eventually(
      () => bench.problem('effective-configuration', of('first')),
      ({ code }) => code === 'no-configuration-in-force',
    );
  });

  it('of a first activation shows who has gone back to what it has by itself', async () => {
    await bench.register('undone');
    await bench.registerInstance('undone', 'undone-1', 'undone-2');
    const { checksum } = await bench.create('undone', { pool: 50 });
    const heard: unknown[] = [];
    const stop = bench.suite.bus.onHint(registryContract.CONFIGURATION_HINT, (hint) => {
      heard.push(hint);
    });
    await bench.activate('undone', '1', { gate: HOUR });
    await bench.acknowledge('undone', 'undone-1', checksum);
    await bench.acknowledge('undone', 'undone-2', checksum, { outcome: 'refused' });
    await bench.suite.eventually(
      () => bench.problem('effective-configuration', of('undone')),
      ({ code }) => code === 'no-configuration-in-force',
    );
    // Whoever runs it hears that there is news, without a checksum.
    await bench.suite.eventually(
      () => heard as { service_id: string; checksum?: string }[],
      (all) => all.some((hint) => hint.service_id === 'undone' && !Object.hasOwn(hint, 'checksum')),
    );
    stop();
    expect(await bench.instances('undone')).toMatchObject({
      ...{ total_count: 2, current_count: 0 },
      instances: [{ outcome: 'applied', is_current: false }, { outcome: 'refused' }],
    });
    expect(
      await bench.acknowledge('undone', 'undone-1', checksum, { outcome: 'released' }),
    ).toMatchObject({ is_current: true });
    const seen = await bench.instances('undone');
    expect(seen).toMatchObject({
      current_count: 1,
      instances: [{ outcome: 'released', is_current: true }, { outcome: 'refused' }],
    });
    expect(seen).not.toHaveProperty('checksum');
    expect(seen.instances[0]).not.toHaveProperty('checksum');
  });

  it('is judged once, however many registries look', async () => {
    const { second } = await bench.running('judged', 'judged-1');
    await bench.activate('judged', '2', { gate: HOUR });
    await bench.acknowledge('judged', 'judged-1', second, { outcome: 'refused' });
    await reverted('judged');
    const expected = [
      ...['ConfigurationCreated', 'ConfigurationCreated', 'ConfigurationActivated'],
      ...['ConfigurationActivated', 'ActivationReverted'],
    ];
    expect(await types('judged')).toEqual(expected);
  });

  it('leaves a read model that a rebuild makes again', async () => {
    const outcome = await bench.suite.bus.query('query.registry.verify-read-model', {
      name: 'registry.configurations',
    });
    expect(outcome).toMatchObject({ ok: true, data: { is_equal: true } });
  });
});
