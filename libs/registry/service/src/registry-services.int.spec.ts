import type { AnswerOf, registryContract } from '@downbeat/contracts';
import type { JsonObject } from '@downbeat/eventsourcing';
import { TestBench } from '@downbeat/test-bench';
import { connect } from 'nats';
import { RegistryModule } from './registry.module';
import { described, registryCalls } from './testing/registry-calls';

type List = AnswerOf<typeof registryContract.listServices>;

describe('services in the registry, on real Postgres and NATS', () => {
  let bench: TestBench;
  beforeAll(async () => {
    bench = await TestBench.start({
      services: [{ name: 'registry', module: RegistryModule }],
      environment: { REGISTRY_TERMINATING_MS: '400' },
    });
  });
  afterAll(() => bench?.stop());

  const { command, accepted, register, get, types, refusal } = registryCalls(() => bench);

  describe('services', () => {
    it('are known once they are registered, and not anew when they say the same again', async () => {
      await register('billing', { capabilities: ['invoicing'], base_url: 'http://billing:3000' });
      const position = await register('billing', {
        capabilities: ['invoicing'],
        base_url: 'http://billing:3000',
      });
      expect(await get('billing', { min_position: position })).toMatchObject({
        id: 'billing',
        service_version: '1.4.0',
        capabilities: ['invoicing'],
        capability_versions: { invoicing: '1.4.0' },
        instance_count: 0,
      });
      expect(await types('service-billing')).toEqual(['ServiceRegistered']);
    });

    it('that nobody checks are not called healthy, nor counted as such', async () => {
      const inTest = { deployment_environment: 'development' };
      await register('unseen', { ...inTest, base_url: 'http://127.0.0.1:9/' });
      const position = await register('nowhere', inTest);
      const list: List = await bench.answer(
        'query.registry.list-services',
        { environment: 'development' },
        { min_position: position },
      );
      expect(list.services.map((one) => [one.service_name, one.health_status])).toEqual([
        ['nowhere', 'unhealthy'],
        ['unseen', 'degraded'],
      ]);
      expect(list).toMatchObject({ total_services: 2, healthy_services: 0 });
      expect(await get('unseen')).toMatchObject({ health_status: 'degraded' });
    });

    it('change in the fields that are named, and stay in the others', async () => {
      await register('ledger', { owner_team: 'money' });
      const position = await accepted('UpdateService', 'ledger', { service_version: '2.0.0' });
      expect(await get('ledger', { min_position: position })).toMatchObject({
        service_version: '2.0.0',
        owner_team: 'money',
      });
      expect((await bench.events('service-ledger')).at(-1)?.data).toEqual({
        service_id: 'ledger',
        service_version: '2.0.0',
        is_version_set: true,
      });
    });

    it('that nobody registered can neither change nor be found', async () => {
      expect(await refusal('UpdateService', 'nobody', { service_version: '2.0.0' })).toMatchObject({
        code: 'service-unknown',
        kind: 'not-found',
      });
      const outcome = await bench.query('query.registry.get-service', { service_id: 'nobody' });
      expect(outcome).toMatchObject({ ok: false, problem: { code: 'service-unknown' } });
    });

    it('are listed in pages that lead to one another', async () => {
      const names = ['pages-c', 'pages-a', 'pages-b1', 'pages-b', 'pages-b-1'];
      let position = 0;
      for (const name of names)
        position = await register(name, { deployment_environment: 'staging' });
      const found: string[] = [];
      let cursor: string | undefined;
      do {
        const input = {
          environment: 'staging',
          limit: 2,
          ...(cursor === undefined ? {} : { cursor }),
        };
        const page: List = await bench.answer('query.registry.list-services', input, {
          min_position: position,
        });
        expect(page).toMatchObject({ total_services: 5 });
        found.push(...page.services.map(({ service_name }) => service_name));
        cursor = page.next_cursor;
      } while (cursor !== undefined);
      expect(found).toEqual([...names].sort());
    });

    it.each(['list-services', 'list-instances'])(
      'are not listed from a cursor that is none of theirs: %s',
      async (query) => {
        const input = query === 'list-instances' ? { service_id: 'billing' } : {};
        expect(
          await bench.query(`query.registry.${query}`, { ...input, cursor: 'YmlsbGluZw' }),
        ).toMatchObject({
          ok: false,
          problem: { code: 'invalid-input', kind: 'invalid', errors: [{ field: 'cursor' }] },
        });
      },
    );

    it('can be seen as they were', async () => {
      const before = await register('timely');
      const { updated_at } = await get('timely', { min_position: before });
      await accepted('UpdateService', 'timely', { service_version: '2.0.0' });
      expect((await get('timely', { at: before })).service_version).toBe('1.4.0');
      expect((await get('timely', { at: updated_at })).service_version).toBe('1.4.0');
      const unborn = await bench.query(
        'query.registry.get-service',
        { service_id: 'timely' },
        { at: before - 1 },
      );
      expect(unborn).toMatchObject({ ok: false, problem: { code: 'service-unknown' } });
    });

    it.each([
      ['a moment to come', { at: 999_999_999 }, 'at'],
      ['no moment at all', { at: 'yesterday' }, 'at'],
      ['half a position', { min_position: 0.5 }, 'min_position'],
      ['something else', { when: 3 }, 'when'],
    ])('cannot be seen as of %s', async (_, as, field) => {
      expect(await bench.query('query.registry.list-services', {}, as)).toMatchObject({
        ok: false,
        problem: { kind: 'invalid', errors: [{ field }] },
      });
    });
  });

  describe('dependencies', () => {
    type Needs = AnswerOf<typeof registryContract.listDependencies>;
    type Graph = AnswerOf<typeof registryContract.dependencyGraph>;
    const needs = (service: string, as: JsonObject) =>
      bench.answer<Needs>('query.registry.list-dependencies', { service_id: service }, as);

    it('say what is there, what is not, and who needs it', async () => {
      await register('dep-base', { base_url: 'http://127.0.0.1:9/' });
      await register('dep-down');
      await register('dep-other', { dependencies: ['dep-top'] });
      const position = await register('dep-top', {
        dependencies: [
          'dep-base',
          { service_name: 'dep-down', required: false, is_critical: true, timeout_ms: 250 },
          { service_name: 'dep-to-come', required: false, fallback_strategy: 'fail_fast' },
        ],
      });
      const seen = await needs('dep-top', { min_position: position });
      expect(seen).toMatchObject({
        is_satisfied: true,
        dependencies: [
          { service_name: 'dep-base', required: true, timeout_ms: 5_000, status: 'degraded' },
          { service_name: 'dep-down', is_critical: true, timeout_ms: 250, status: 'unavailable' },
          { service_name: 'dep-to-come', fallback_strategy: 'fail_fast', status: 'missing' },
        ],
        dependents: [{ service_name: 'dep-other', required: true }],
      });
      expect((await get('dep-top')).dependencies).toEqual(['dep-base', 'dep-down', 'dep-to-come']);
      const later = await accepted('UpdateService', 'dep-top', { dependencies: ['dep-down'] });
      expect(await needs('dep-top', { min_position: later })).toMatchObject({
        is_satisfied: false,
        dependencies: [{ service_name: 'dep-down' }],
      });
      expect(await needs('dep-top', { at: position })).toEqual(seen);
    });

    it('that close a circle are refused with the whole of it, and nothing is stored', async () => {
      await register('ring-a', { dependencies: ['ring-b'] });
      await register('ring-b', { dependencies: ['ring-c'] });
      const closing = { dependencies: ['ring-a'] };
      for (const problem of [
        await refusal('RegisterService', 'ring-c', { ...described, ...closing }),
        await register('ring-c').then(() => refusal('UpdateService', 'ring-c', closing)),
      ])
        expect(problem).toMatchObject({
          code: 'circular-dependency',
          kind: 'conflict',
          message: expect.stringContaining('ring-c → ring-a → ring-b → ring-c'),
          errors: [{ field: 'dependencies.0' }],
        });
      expect(await types('service-ring-c')).toEqual(['ServiceRegistered']);
      expect(await refusal('UpdateService', 'ring-unknown', closing)).toMatchObject({
        code: 'service-unknown',
      });
      expect(await refusal('UpdateService', 'ring-c', { dependencies: ['ring-c'] })).toMatchObject({
        code: 'depends-on-itself',
      });
    });

    it('of a command that comes again do not replace newer ones', async () => {
      const nats = await connect({ servers: bench.natsUrl });
      // Without a message id of NATS, so that the server delivers it again.
      const say = async (command_id: string, ...dependencies: string[]) => {
        const subject = `${bench.prefix}.command.registry.RegisterService.late`;
        const text = JSON.stringify({ ...described, dependencies, command_id });
        return (await nats.request(subject, text, { timeout: 10_000 })).json();
      };
      try {
        await say('late-1', 'first');
        await say('late-2', 'second');
        expect(await say('late-1', 'first')).toMatchObject({ accepted: true, repeated: true });
      } finally {
        await nats.close();
      }
      const last = await register('late-beside');
      const { dependencies } = await needs('late', { min_position: last });
      expect(dependencies.map(({ service_name }) => service_name)).toEqual(['second']);
    });

    it('never form a circle, however many say theirs at once', async () => {
      const names = Array.from({ length: 40 }, (_, at) => `race-${at}`);
      const outcomes = await Promise.all(
        names.map((name, at) =>
          command('RegisterService', name, {
            ...described,
            dependencies: [names[(at + 1) % names.length] ?? ''],
          }),
        ),
      );
      const refused = outcomes.filter(({ accepted }) => !accepted);
      expect(refused).toHaveLength(1);
      expect(refused).toMatchObject([{ problem: { code: 'circular-dependency' } }]);
    });

    it('give the order in which all can be started', async () => {
      await register('order-c');
      await register('order-b', { dependencies: ['order-c', 'order-missing'] });
      const optional = { service_name: 'order-a', required: false };
      await register('order-d', { dependencies: [optional] });
      const position = await register('order-a', { dependencies: ['order-b', 'order-d'] });
      const graph = await bench.answer<Graph>(
        'query.registry.dependency-graph',
        {},
        { min_position: position },
      );
      const ours = (names: readonly string[]) => names.filter((name) => name.startsWith('order-'));
      expect(graph.start_order.map(ours).filter((group) => group.length > 0)).toEqual([
        ['order-c', 'order-d'],
        ['order-b'],
        ['order-a'],
      ]);
      expect(graph.missing).toContainEqual({ source: 'order-b', target: 'order-missing' });
      expect(graph.circular_dependencies).toContainEqual(['order-a', 'order-d']);
      expect(graph.dependencies).toContainEqual({
        ...{ source: 'order-d', target: 'order-a', required: false },
        ...{ dependency_type: 'synchronous', is_critical: false },
      });
    });

    it.each([
      [['twice', 'twice'], 'dependencies.1'],
      [[{ service_name: 'x', timeout_ms: 0 }], 'dependencies.0'],
      [[{ service_name: 'x', dependency_type: 'psychic' }], 'dependencies.0'],
    ])('that make no sense are refused: %j', async (dependencies, field) => {
      const problem = await refusal('RegisterService', 'senseless', { ...described, dependencies });
      expect(problem.errors?.[0]?.field).toContain(field);
    });
  });
});
