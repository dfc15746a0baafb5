import type { AnswerOf, registryContract } from '@downbeat/contracts';
import type { JsonObject } from '@downbeat/eventsourcing';
import { TestBench } from '@downbeat/test-bench';
import { RegistryModule } from '../registry.module';
import { ConfigurationBench } from '../testing/configuration-bench';

type List = AnswerOf<typeof registryContract.listConfigurations>;
type Whole = AnswerOf<typeof registryContract.getConfiguration>;
type Diff = AnswerOf<typeof registryContract.diffConfigurations>;

const schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  required: ['database'],
  properties: {
    database: {
      type: 'object',
      required: ['host'],
      properties: { host: { type: 'string' }, pool: { type: 'integer', minimum: 1 } },
    },
  },
};
const password = { $secret: { ref: 'env:DB_PASSWORD' } };

describe('configurations, on real Postgres and NATS', () => {
  let bench: ConfigurationBench<TestBench>;
  beforeAll(async () => {
    bench = new ConfigurationBench(
      await TestBench.start({
        services: [{ name: 'registry', module: RegistryModule }],
        environment: { REGISTRY_TERMINATING_MS: '400' },
      }),
    );
  });
  afterAll(() => bench?.stop());

  const list = (input: JsonObject) => bench.ask<List>('list-configurations', input);
  const get = (service_id: string, config_version: string, environment = 'production') =>
    bench.ask<Whole>('get-configuration', { service_id, environment, config_version });
  const diff = (service_id: string, input: JsonObject) =>
    bench.ask<Diff>('diff-configurations', { service_id, environment: 'production', ...input });

  describe('a version', () => {
    it('is the base with what the environment has differently', async () => {
      await bench.register('shop');
      const base = { database: { host: 'db', pool: 5, password }, features: { a: true, b: true } };
      await bench.create('shop', base, { environment: 'base', config_version: 'b1' });
      const made = await bench.create('shop', {
        database: { pool: 20 },
        features: { b: null, list: [1] },
      });
      expect(made).toMatchObject({ environment: 'production', config_version: '1' });
      expect(await get('shop', '1')).toMatchObject({
        base_version: 'b1',
        configuration: { database: { pool: 20 } },
        effective_configuration: {
          database: { host: 'db', pool: 20, password },
          features: { a: true, list: [1] },
        },
        secrets_refs: ['env:DB_PASSWORD'],
        checksum: made['checksum'],
        is_active: false,
        created_by: 'bench',
      });
    });

    it('stays as it is when the base changes, and the next one is built on that', async () => {
      await bench.register('steady');
      await bench.create('steady', { a: 1 }, { environment: 'base' });
      await bench.create('steady', { own: true });
      await bench.create('steady', { a: 2 }, { environment: 'base' });
      await bench.create('steady', { own: true });
      await bench.create('steady', { own: true }, { base_version: '1', config_version: 'old' });
      const effective = async (version: string) =>
        (await get('steady', version)).effective_configuration;
      expect(await effective('1')).toEqual({ a: 1, own: true });
      expect(await effective('2')).toEqual({ a: 2, own: true });
      expect((await get('steady', 'old')).checksum).toBe((await get('steady', '1')).checksum);
    });

    it('has the checksum that any canonical JSON of it gives', async () => {
      await bench.register('summed');
      const one = await bench.create('summed', { b: [1, 1.5], a: { d: 'é', c: null } });
      // printf '{"a":{"d":"é"},"b":[1,1.5]}' | sha256sum
      expect(one['checksum']).toBe(
        'eda3303df88931fdba38f8187bd64ea081dfb85b0b5c9b71fdc7317c4c147a37',
      );
    });

    it('is the same one when it is created again, and never another', async () => {
      await bench.register('once');
      const said = { config_version: '2026-11-21' };
      const first = await bench.create('once', { a: 1 }, said);
      expect(await bench.create('once', { a: 1 }, said)).toEqual(first);
      expect(
        await bench.refusal('CreateConfiguration', 'once', { ...bench.said({ a: 2 }), ...said }),
      ).toMatchObject({
        code: 'configuration-version-exists',
        kind: 'conflict',
        errors: [{ field: 'config_version' }],
      });
      expect((await list({ service_id: 'once' })).total_count).toBe(1);
    });

    it('needs its service, and its base', async () => {
      await bench.register('based');
      expect(
        await bench.refusal('CreateConfiguration', 'nobody', bench.said({ a: 1 })),
      ).toMatchObject({ code: 'service-unknown', kind: 'not-found' });
      expect(
        await bench.refusal('CreateConfiguration', 'based', {
          ...bench.said({}),
          base_version: '9',
        }),
      ).toMatchObject({ code: 'configuration-unknown', errors: [{ field: 'base_version' }] });
    });

    it('is as the schema says, or is told where it is not', async () => {
      await bench.register('strict', { configuration_schema: schema });
      await bench.create('strict', { database: { pool: 5 } }, { environment: 'base' });
      const canary = 'canary-8c1f';
      const refused = await bench.refusal(
        'CreateConfiguration',
        'strict',
        bench.said({ database: { pool: canary } }),
      );
      expect(refused).toMatchObject({
        code: 'configuration-invalid',
        kind: 'invalid',
        errors: [
          { field: 'configuration.database.host', message: 'is required' },
          { field: 'configuration.database.pool', message: 'must be integer' },
        ],
      });
      expect(JSON.stringify(refused)).not.toContain(canary);
      await bench.create('strict', { database: { host: 'db' } });
    });

    it.each([
      ['a plain value', { $secret: { value: 'canary-5e0c' } }, 'password.$secret'],
      ['a plain text', { $secret: 'canary-5e0c' }, 'password.$secret'],
      ['more beside it', { $secret: { ref: 'env:A' }, plain: 'canary-5e0c' }, 'password.$secret'],
      ['no reference', { $secret: { ref: 'canary-5e0c' } }, 'password.$secret'],
    ])('cannot hold a secret with %s, and the answer does not repeat it', async (_, secret, at) => {
      await bench.register('secretive');
      const refused = await bench.refusal(
        'CreateConfiguration',
        'secretive',
        bench.said({ password: secret }),
      );
      expect(refused).toMatchObject({
        kind: 'invalid',
        errors: [{ field: `configuration.${at}` }],
      });
      expect(JSON.stringify(refused)).not.toContain('canary-5e0c');
    });
  });

  describe('a schema', () => {
    it('that is itself wrong is refused with the service, and with its update', async () => {
      const wrong = { configuration_schema: { properties: { a: { type: 'text' } } } };
      const refused = {
        code: 'configuration-schema-invalid',
        errors: [{ field: 'configuration_schema.properties.a.type' }],
      };
      expect(
        await bench.refusal('RegisterService', 'crooked', { ...bench.described, ...wrong }),
      ).toMatchObject(refused);
      await bench.register('crooked');
      expect(await bench.refusal('UpdateService', 'crooked', wrong)).toMatchObject(refused);
    });
  });

  describe('lists', () => {
    it('lead from page to page, the newest first', async () => {
      await bench.register('paged');
      await bench.create('paged', {}, { environment: 'base' });
      for (let n = 1; n <= 5; n++) await bench.create('paged', { n });
      const found: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await list({
          ...{ service_id: 'paged', environment: 'production', limit: 2 },
          ...(cursor !== undefined && { cursor }),
        });
        expect(page.total_count).toBe(5);
        found.push(...page.configurations.map(({ config_version }) => config_version));
        cursor = page.next_cursor;
      } while (cursor !== undefined);
      expect(found).toEqual(['5', '4', '3', '2', '1']);
      expect((await list({ service_id: 'paged' })).total_count).toBe(6);
    });
  });

  describe('differences', () => {
    it('of two versions are named by their place', async () => {
      await bench.register('differing');
      await bench.create('differing', { pool: 5, host: 'a', 'x/y': { z: 1 }, password });
      await bench.create('differing', {
        pool: 6,
        'x/y': { z: 1, w: [1] },
        password: { $secret: { ref: 'env:OTHER' } },
      });
      expect(await diff('differing', { from: '1', to: '2' })).toEqual({
        from: '1',
        to: '2',
        differences: [
          { path: '/host', change: 'removed', from: 'a' },
          {
            path: '/password',
            change: 'changed',
            from: password,
            to: { $secret: { ref: 'env:OTHER' } },
          },
          { path: '/pool', change: 'changed', from: 5, to: 6 },
          { path: '/x~1y/w', change: 'added', to: [1] },
        ],
      });
    });

    it('from what is in force are what an activation would change', async () => {
      await bench.register('changing');
      await bench.create('changing', { a: 1 });
      await bench.create('changing', { a: 2 });
      expect((await diff('changing', { to: '1' })).differences).toEqual([
        { path: '/a', change: 'added', to: 1 },
      ]);
      await bench.activate('changing', '1');
      expect(await diff('changing', { to: '2' })).toMatchObject({
        from: '1',
        differences: [{ path: '/a', from: 1, to: 2 }],
      });
      expect(
        await bench.problem('diff-configurations', {
          service_id: 'changing',
          environment: 'production',
          to: '9',
        }),
      ).toMatchObject({ code: 'configuration-unknown' });
    });
  });
});
