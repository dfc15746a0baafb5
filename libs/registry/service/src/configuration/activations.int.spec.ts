import { generateKeyPairSync } from 'node:crypto';
import { registryContract } from '@downbeat/contracts';
import type { JsonObject } from '@downbeat/eventsourcing';
import { TestBench } from '@downbeat/test-bench';
import { RegistryModule } from '../registry.module';
import { ConfigurationBench } from '../testing/configuration-bench';

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

  describe('what is in force', () => {
    it('is sent once, and not again to those who have it', async () => {
      const { first } = await bench.running('sent');
      expect(await bench.effective('sent')).toEqual({
        ...of('sent'),
        config_version: '1',
        checksum: first,
        activation: 1,
        applied_at: expect.any(String),
        is_changed: true,
        configuration: { pool: 5 },
      });
      const again = await bench.effective('sent', { checksum: first });
      expect(again).toMatchObject({ is_changed: false, checksum: first });
      expect(again).not.toHaveProperty('configuration');
      await bench.activate('sent', '2');
      expect(await bench.effective('sent', { checksum: first })).toMatchObject({
        is_changed: true,
        configuration: { pool: 6 },
      });
    });

    it('was another one in the past', async () => {
      await bench.running('past');
      const { position } = (await bench.suite.query(
        'query.registry.effective-configuration',
        of('past'),
      )) as { position: number };
      await bench.activate('past', '2');
      expect(await bench.effective('past', {}, { at: position })).toMatchObject({
        config_version: '1',
      });
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
          () => bench.history(service),
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
      await bench.running('moved');
      const configuration_schema = { properties: { pool: { maximum: 5 } } };
      await bench.carryOut('UpdateService', 'moved', { configuration_schema });
      const refused = await bench.refusal('ActivateConfiguration', 'moved', {
        ...{ environment: 'production', config_version: '2' },
      });
      expect(refused).toMatchObject({
        code: 'configuration-invalid',
        errors: [{ field: 'configuration.pool', message: 'must be at most 5' }],
      });
      expect(await bench.effective('moved')).toMatchObject({ config_version: '1' });
    });

    it('is hinted at again by a registry that starts: another one may have died before it could', async () => {
      const { first } = await bench.running('told-again');
      const heard: unknown[] = [];
      const stop = bench.suite.bus.onHint(registryContract.CONFIGURATION_HINT, (hint) => {
        heard.push(hint);
      });
      await bench.effective('told-again');
      heard.length = 0;
      await bench.suite.restart('registry-2');
      await bench.suite.eventually(
        () => heard,
        (all) => expect(all).toContainEqual(expect.objectContaining({ checksum: first })),
      );
      stop();
    });

    it('is hinted at, with the position to ask at', async () => {
      const { second } = await bench.running('hinted');
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
      const found = await bench.effective('hinted', {}, { min_position: hint?.position ?? 0 });
      expect(found.checksum).toBe(second);
    });
  });

  it('reach everybody who listens, as one swap each', async () => {
    const names = Array.from({ length: 20 }, (_, at) => `swap-${at}`);
    const { second } = await bench.running('swap', ...names);
    const held = new Map<string, { readonly pool: number }>();
    const swap = async (name: string, min_position: number) => {
      const found = await bench.effective('swap', {}, { min_position });
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
    await bench.effective('swap');
    await bench.activate('swap', '2', { gate: { observe_seconds: 60, applied_min_percent: 100 } });
    const seen = await bench.suite.eventually(
      () => bench.instances('swap'),
      ({ current_count }) => current_count === names.length,
    );
    expect(seen.checksum).toBe(second);
    for (const stop of stops) stop();
    await Promise.all(swaps);
    expect([...held.values()]).toEqual(names.map(() => ({ pool: 6 })));
  });

  describe('a rollback', () => {
    it('is another activation, with its reason', async () => {
      await bench.running('rolled');
      await bench.activate('rolled', '2', { reason: 'a larger pool' });
      expect(await bench.rollBack('rolled')).toMatchObject({ config_version: '1', activation: 3 });
      expect(await bench.history('rolled')).toMatchObject([
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
      const { first, second } = await bench.running('shown', 'shown-1', 'shown-2', 'shown-3');
      await bench.activate('shown', '2');
      await bench.acknowledge('shown', 'shown-1', second);
      await bench.acknowledge('shown', 'shown-2', second, {
        outcome: 'refused',
        reason: 'too big',
      });
      await bench.registerInstance('shown', 'shown-4');
      expect(await bench.instances('shown')).toMatchObject({
        ...{ config_version: '2', checksum: second },
        ...{ total_count: 4, current_count: 1, refused_count: 1 },
        instances: [
          { instance_id: 'shown-1', outcome: 'applied', checksum: second, is_current: true },
          { instance_id: 'shown-2', outcome: 'refused', reason: 'too big', is_current: false },
          { instance_id: 'shown-3', outcome: 'applied', checksum: first, is_current: false },
          { instance_id: 'shown-4', outcome: 'unknown', is_current: false },
        ],
      });
      const page = await bench.instances('shown', { limit: 3 });
      const rest = await bench.instances('shown', { limit: 3, cursor: page.next_cursor ?? '' });
      expect(rest.instances.map(({ instance_id }) => instance_id)).toEqual(['shown-4']);
    });

    it('is unknown again of one that starts again', async () => {
      const { first } = await bench.running('again', 'again-1');
      await bench.carryOut('DeregisterInstance', 'again-1', { service_id: 'again' });
      await bench.registerInstance('again', 'again-1');
      expect((await bench.instances('again')).instances).toMatchObject([{ outcome: 'unknown' }]);
      await bench.acknowledge('again', 'again-1', first);
      expect((await bench.instances('again')).instances).toMatchObject([{ outcome: 'applied' }]);
    });

    it('is said by instances that there are, of their own service', async () => {
      const { first } = await bench.running('own', 'own-1');
      const said = { environment: 'production', checksum: first, outcome: 'applied' };
      expect(
        await bench.refusal('AcknowledgeConfiguration', 'own-9', { service_id: 'own', ...said }),
      ).toMatchObject({ code: 'instance-unknown' });
      expect(
        await bench.refusal('AcknowledgeConfiguration', 'own-1', { service_id: 'shown', ...said }),
      ).toMatchObject({ code: 'instance-of-another-service' });
    });

    it('and that it was said twice is one event', async () => {
      const { first } = await bench.running('twice', 'twice-1');
      expect(await bench.acknowledge('twice', 'twice-1', first)).toMatchObject({
        is_current: true,
      });
      expect(await bench.suite.events('applied-configuration-twice-1')).toHaveLength(1);
    });
  });

  it('leaves a read model that a rebuild makes again', async () => {
    await bench.running('rebuilt', 'rebuilt-1');
    await bench.rollBack('rebuilt', { config_version: '2' });
    const outcome = await bench.suite.bus.query('query.registry.verify-read-model', {
      name: 'registry.configurations',
    });
    expect(outcome).toMatchObject({ ok: true, data: { is_equal: true } });
  });
});
