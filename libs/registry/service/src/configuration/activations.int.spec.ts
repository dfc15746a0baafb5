import { generateKeyPairSync } from 'node:crypto';
import { registryContract, type AnswerOf } from '@downbeat/contracts';
import type { JsonObject } from '@downbeat/eventsourcing';
import { TestBench } from '@downbeat/test-bench';
import { RegistryModule } from '../registry.module';
import { ConfigurationBench } from '../testing/configuration-bench';

jest.setTimeout(60_000);

type Activations = AnswerOf<typeof registryContract.listActivations>['activations'];
type Effective = AnswerOf<typeof registryContract.effectiveConfiguration>;
type Instances = AnswerOf<typeof registryContract.configuredInstances>;

const HOUR = { observe_seconds: 3_600 };

describe('putting configurations in force, on real Postgres and NATS', () => {
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
  const effective = (service: string, more: JsonObject = {}, as: JsonObject = {}) =>
    bench.ask<Effective>('effective-configuration', { ...of(service), ...more }, as);
  const history = async (service: string): Promise<Activations> =>
    (await bench.ask<{ activations: Activations }>('list-configuration-activations', of(service)))
      .activations;
  const instances = (service: string, more: JsonObject = {}) =>
    bench.ask<Instances>('list-configured-instances', { ...of(service), ...more });
  const types = async (service: string) =>
    (await bench.suite.events(`configuration-${service}:production`)).map(({ type }) => type);

  /** A service with versions 1 and 2, the first in force, and instances that run it. */
  const running = async (service: string, ...names: readonly string[]) => {
    await bench.register(service);
    await bench.registerInstance(service, ...names);
    const first = await bench.create(service, { pool: 5 });
    const second = await bench.create(service, { pool: 6 });
    await bench.activate(service, '1');
    for (const name of names) await bench.acknowledge(service, name, first['checksum']);
    return { first: String(first['checksum']), second: String(second['checksum']) };
  };
  const reverted = (service: string) =>
    bench.suite.eventually(
      () => history(service),
      ([now, before]) => now?.cause === 'revert' && before?.status === 'reverted',
    );

  describe('what is in force', () => {
    it('is sent once, and not again to those who have it', async () => {
      const { first } = await running('sent');
      expect(await effective('sent')).toEqual({
        ...of('sent'),
        config_version: '1',
        checksum: first,
        activation: 1,
        applied_at: expect.any(String),
        is_changed: true,
        configuration: { pool: 5 },
      });
      const again = await effective('sent', { checksum: first });
      expect(again).toMatchObject({ is_changed: false, checksum: first });
      expect(again).not.toHaveProperty('configuration');
      await bench.activate('sent', '2');
      expect(await effective('sent', { checksum: first })).toMatchObject({
        is_changed: true,
        configuration: { pool: 6 },
      });
    });

    it('was another one in the past', async () => {
      await running('past');
      const { position } = (await bench.suite.query(
        'query.registry.effective-configuration',
        of('past'),
      )) as { position: number };
      await bench.activate('past', '2');
      expect(await effective('past', {}, { at: position })).toMatchObject({ config_version: '1' });
    });

    it('is nothing before the first activation', async () => {
      await bench.register('bare');
      await bench.create('bare', { a: 1 });
      expect(await bench.problem('effective-configuration', of('bare'))).toMatchObject({
        code: 'no-configuration-in-force',
        kind: 'not-found',
      });
    });

    describe('when it is nothing', () => {
      const SOMETHING = 'a'.repeat(64);
      const why = async (service: string, more: JsonObject = {}) => {
        const { code, kind } = await bench.problem('effective-configuration', {
          ...of(service),
          ...more,
        });
        return `${code} (${kind})`;
      };
      const asInstance = async (service: string, more: JsonObject) => {
        const { publicKey } = generateKeyPairSync('x25519');
        const public_key = String(publicKey.export({ format: 'jwk' }).x);
        const input = { ...of(service), instance_id: `${service}-1`, public_key, ...more };
        return (await bench.problem('instance-configuration', input)).code;
      };
      const NONE = 'no-configuration-in-force';
      const UNKNOWN = 'configuration-not-in-history';
      /** The first one was refused, and nothing is in force. */
      const takenBack = async (service: string) => {
        await bench.register(service);
        await bench.registerInstance(service, `${service}-1`);
        const checksum = String((await bench.create(service, { a: 1 }))['checksum']);
        await bench.activate(service, '1', { gate: HOUR });
        await bench.acknowledge(service, `${service}-1`, checksum, { outcome: 'refused' });
        await bench.suite.eventually(
          () => history(service),
          ([now]) => now?.status === 'reverted',
        );
        return checksum;
      };

      it('was taken back from those who have what was', async () => {
        const checksum = await takenBack('ended');
        expect(await why('ended', { checksum })).toBe(`${NONE} (not-found)`);
        expect(await why('ended', { checksum, activation: 1 })).toBe(`${NONE} (not-found)`);
        expect(await asInstance('ended', { checksum, activation: 1 })).toBe(NONE);
      });

      it('says that it knows nothing of what the asker has: a restored log took nothing back', async () => {
        const checksum = await takenBack('restored');
        expect(await why('restored', { checksum: SOMETHING })).toBe(`${UNKNOWN} (conflict)`);
        expect(await why('restored', { checksum, activation: 3 })).toBe(`${UNKNOWN} (conflict)`);
        expect(await asInstance('restored', { checksum: SOMETHING })).toBe(UNKNOWN);
        expect(await asInstance('restored', { checksum, activation: 3 })).toBe(UNKNOWN);
      });

      it('says no more than that to those who have nothing, as ever', async () => {
        await takenBack('empty');
        expect(await why('empty')).toBe(`${NONE} (not-found)`);
        expect(await asInstance('empty', {})).toBe(NONE);
      });
    });

    it('must be as the schema of the service is by now', async () => {
      await running('moved');
      const configuration_schema = { properties: { pool: { maximum: 5 } } };
      await bench.carryOut('UpdateService', 'moved', { configuration_schema });
      const refused = await bench.refusal('ActivateConfiguration', 'moved', {
        ...{ environment: 'production', config_version: '2' },
      });
      expect(refused).toMatchObject({
        code: 'configuration-invalid',
        errors: [{ field: 'configuration.pool', message: 'must be at most 5' }],
      });
      expect(await effective('moved')).toMatchObject({ config_version: '1' });
    });

    it('is hinted at again by a registry that starts: another one may have died before it could', async () => {
      const { first } = await running('told-again');
      const heard: unknown[] = [];
      const stop = bench.suite.bus.onHint(registryContract.CONFIGURATION_HINT, (hint) => {
        heard.push(hint);
      });
      await effective('told-again');
      heard.length = 0;
      await bench.suite.restart('registry-2');
      await bench.suite.eventually(
        () => heard,
        (all) => expect(all).toContainEqual(expect.objectContaining({ checksum: first })),
      );
      stop();
    });

    it('is hinted at, with the position to ask at', async () => {
      const { second } = await running('hinted');
      const heard: unknown[] = [];
      const stop = bench.suite.bus.onHint(registryContract.CONFIGURATION_HINT, (hint) => {
        heard.push(hint);
      });
      // A hint of before the subscription was known to the server would prove nothing.
      await bench.suite.bus.query('query.registry.get-service', {
        input: { service_id: 'hinted' },
      });
      await bench.activate('hinted', '2');
      const hints = await bench.suite.eventually(
        () => heard as { service_id: string; checksum: string; position: number }[],
        (all) => all.some(({ checksum }) => checksum === second),
      );
      stop();
      const hint = hints.find(({ checksum }) => checksum === second);
      expect(hint).toMatchObject({ ...of('hinted'), checksum: second });
      const found = await effective('hinted', {}, { min_position: hint?.position ?? 0 });
      expect(found.checksum).toBe(second);
    });
  });

  it('reach everybody who listens, as one swap each', async () => {
    const names = Array.from({ length: 20 }, (_, at) => `swap-${at}`);
    const { second } = await running('swap', ...names);
    const held = new Map<string, { readonly pool: number }>();
    const swap = async (name: string, min_position: number) => {
      const found = await effective('swap', {}, { min_position });
      held.set(name, found.configuration as { pool: number });
      await bench.acknowledge('swap', name, found.checksum);
    };
    const swaps: Promise<void>[] = [];
    const stops = names.map((name) =>
      bench.suite.bus.onHint(registryContract.CONFIGURATION_HINT, (hint) => {
        const { service_id, position } = hint as { service_id: string; position: number };
        if (service_id === 'swap') swaps.push(swap(name, position));
      }),
    );
    // A question on the same connection: the server knows of the subscriptions when it is answered.
    await effective('swap');
    await bench.activate('swap', '2', { gate: { observe_seconds: 60, applied_min_percent: 100 } });
    const seen = await bench.suite.eventually(
      () => instances('swap'),
      ({ current_count }) => current_count === names.length,
    );
    expect(seen.checksum).toBe(second);
    for (const stop of stops) stop();
    await Promise.all(swaps);
    expect([...held.values()]).toEqual(names.map(() => ({ pool: 6 })));
  });

  describe('a rollback', () => {
    it('is another activation, with its reason', async () => {
      await running('rolled');
      await bench.activate('rolled', '2', { reason: 'a larger pool' });
      expect(await bench.rollBack('rolled')).toMatchObject({ config_version: '1', activation: 3 });
      expect(await history('rolled')).toMatchObject([
        {
          activation: 3,
          config_version: '1',
          cause: 'rollback',
          status: 'active',
          reason: 'it was slow',
          activated_by: 'bench',
        },
        { activation: 2, config_version: '2', status: 'superseded', reason: 'a larger pool' },
        { activation: 1, config_version: '1', status: 'superseded' },
      ]);
    });

    it('is not kept from what was accepted before the schema said that it is secret', async () => {
      await bench.register('early');
      await bench.create('early', { password: 'hunter2' });
      await bench.create('early', { password: { $secret: { ref: 'env:CONFIG_PASSWORD' } } });
      for (const version of ['1', '2']) await bench.activate('early', version);
      const configuration_schema = { properties: { password: { writeOnly: true } } };
      await bench.suite.accepted('command.registry.UpdateService.early', { configuration_schema });
      expect(await bench.rollBack('early')).toMatchObject({ config_version: '1' });
      expect(
        await bench.refusal('CreateConfiguration', 'early', bench.said({ password: 'hunter3' })),
      ).toMatchObject({ code: 'configuration-invalid' });
    });

    it('needs something to go back to', async () => {
      await bench.register('fresh');
      expect(
        await bench.refusal('RollbackConfiguration', 'fresh', {
          environment: 'production',
          reason: 'r',
        }),
      ).toMatchObject({ code: 'nothing-to-roll-back-to', kind: 'conflict' });
    });
  });

  describe('who runs what', () => {
    it('is what instances say', async () => {
      const { first, second } = await running('shown', 'shown-1', 'shown-2', 'shown-3');
      await bench.activate('shown', '2');
      await bench.acknowledge('shown', 'shown-1', second);
      await bench.acknowledge('shown', 'shown-2', second, {
        outcome: 'refused',
        reason: 'too big',
      });
      await bench.registerInstance('shown', 'shown-4');
      expect(await instances('shown')).toMatchObject({
        ...{ config_version: '2', checksum: second },
        ...{ total_count: 4, current_count: 1, refused_count: 1 },
        instances: [
          { instance_id: 'shown-1', outcome: 'applied', checksum: second, is_current: true },
          { instance_id: 'shown-2', outcome: 'refused', reason: 'too big', is_current: false },
          { instance_id: 'shown-3', outcome: 'applied', checksum: first, is_current: false },
          { instance_id: 'shown-4', outcome: 'unknown', is_current: false },
        ],
      });
      const page = await instances('shown', { limit: 3 });
      const rest = await instances('shown', { limit: 3, cursor: page.next_cursor ?? '' });
      expect(rest.instances.map(({ instance_id }) => instance_id)).toEqual(['shown-4']);
    });

    it('is unknown again of one that starts again', async () => {
      const { first } = await running('again', 'again-1');
      await bench.carryOut('DeregisterInstance', 'again-1', { service_id: 'again' });
      await bench.registerInstance('again', 'again-1');
      expect((await instances('again')).instances).toMatchObject([{ outcome: 'unknown' }]);
      await bench.acknowledge('again', 'again-1', first);
      expect((await instances('again')).instances).toMatchObject([{ outcome: 'applied' }]);
    });

    it('is said by instances that there are, of their own service', async () => {
      const { first } = await running('own', 'own-1');
      const said = { environment: 'production', checksum: first, outcome: 'applied' };
      expect(
        await bench.refusal('AcknowledgeConfiguration', 'own-9', { service_id: 'own', ...said }),
      ).toMatchObject({ code: 'instance-unknown' });
      expect(
        await bench.refusal('AcknowledgeConfiguration', 'own-1', { service_id: 'shown', ...said }),
      ).toMatchObject({ code: 'instance-of-another-service' });
    });

    it('and that it was said twice is one event', async () => {
      const { first } = await running('twice', 'twice-1');
      expect(await bench.acknowledge('twice', 'twice-1', first)).toMatchObject({
        is_current: true,
      });
      expect(await bench.suite.events('applied-configuration-twice-1')).toHaveLength(1);
    });
  });

  describe('a gate', () => {
    it('takes back what an instance refuses, and says why', async () => {
      const { first, second } = await running('refused', 'refused-1', 'refused-2');
      expect(await bench.activate('refused', '2', { gate: HOUR })).toMatchObject({
        status: 'observing',
      });
      expect(await effective('refused')).toMatchObject({ checksum: second });
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
      expect(await effective('refused')).toMatchObject({ checksum: first, activation: 3 });
    });

    it('does not count a refusal of an earlier activation of the same', async () => {
      const { second } = await running('late', 'late-1');
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
      await running('ill', 'ill-1', 'ill-2', 'ill-3');
      await bench.activate('ill', '2', { gate: { ...HOUR, unhealthy_max_percent: 40 } });
      await bench.observe('ill', 'ill-1', 'unhealthy');
      await bench.observe('ill', 'ill-2', 'unhealthy');
      const [, before] = await reverted('ill');
      expect(before).toMatchObject({
        because: 'unhealthy are 2 of 3 instances (67 %), more than 40 %',
      });
    });

    it('takes back what killed an instance, whose heartbeats stay away', async () => {
      await running('dying');
      await bench.carryOut('RegisterInstance', 'dying-1', {
        ...{ service_id: 'dying', node_name: 'n', ip_address: '10.0.0.7', port: 3000 },
        ...{ version: '1.0.0', heartbeat_ttl_ms: 1_000 },
      });
      await bench.activate('dying', '2', { gate: HOUR });
      const [, before] = await reverted('dying');
      expect(before?.evidence).toMatchObject({ instances: 1, unhealthy: 1 });
    });

    describe('of a service with an instance that was unhealthy before', () => {
      /** One of two is. */
      const ailing = async (service: string) => {
        const checksums = await running(service, `${service}-1`, `${service}-2`);
        await bench.observe(service, `${service}-2`, 'unhealthy');
        return checksums;
      };
      const passed = (service: string) =>
        bench.suite.eventually(
          () => history(service),
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
        await running('waning', 'waning-1');
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
        const { second } = await running('incurable', 'incurable-1');
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
        const { second } = await running('cured', 'cured-1');
        await bench.observe('cured', 'cured-1', 'unhealthy');
        await bench.activate('cured', '2', { gate: { observe_seconds: 3 } });
        await bench.observe('cured', 'cured-1', 'healthy');
        await bench.acknowledge('cured', 'cured-1', second);
        const [now] = await passed('cured');
        expect(now).toMatchObject({ evidence: { unhealthy: 0, unhealthy_before: 0 } });
      });
    });

    it('passes when its time is over, and is then what a later one falls back to', async () => {
      const { second } = await running('held', 'held-1');
      await bench.activate('held', '2', {
        gate: { observe_seconds: 1, applied_min_percent: 100 },
      });
      await bench.acknowledge('held', 'held-1', second);
      const [passed] = await bench.suite.eventually(
        () => history('held'),
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
      await running('slow', 'slow-1', 'slow-2');
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
        (all) =>
          all.some((hint) => hint.service_id === 'undone' && !Object.hasOwn(hint, 'checksum')),
      );
      stop();
      expect(await instances('undone')).toMatchObject({
        ...{ total_count: 2, current_count: 0 },
        instances: [{ outcome: 'applied', is_current: false }, { outcome: 'refused' }],
      });
      expect(
        await bench.acknowledge('undone', 'undone-1', checksum, { outcome: 'released' }),
      ).toMatchObject({ is_current: true });
      const seen = await instances('undone');
      expect(seen).toMatchObject({
        current_count: 1,
        instances: [{ outcome: 'released', is_current: true }, { outcome: 'refused' }],
      });
      expect(seen).not.toHaveProperty('checksum');
      expect(seen.instances[0]).not.toHaveProperty('checksum');
    });

    it('is judged once, however many registries look', async () => {
      const { second } = await running('judged', 'judged-1');
      await bench.activate('judged', '2', { gate: HOUR });
      await bench.acknowledge('judged', 'judged-1', second, { outcome: 'refused' });
      await reverted('judged');
      const expected = [
        ...['ConfigurationCreated', 'ConfigurationCreated', 'ConfigurationActivated'],
        ...['ConfigurationActivated', 'ActivationReverted'],
      ];
      expect(await types('judged')).toEqual(expected);
    });
  });

  it('leaves a read model that a rebuild makes again', async () => {
    await running('rebuilt', 'rebuilt-1');
    await bench.rollBack('rebuilt', { config_version: '2' });
    const outcome = await bench.suite.bus.query('query.registry.verify-read-model', {
      name: 'registry.configurations',
    });
    expect(outcome).toMatchObject({ ok: true, data: { is_equal: true } });
  });
});
