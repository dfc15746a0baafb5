import type { AnswerOf, registryContract } from '@downbeat/contracts';
import type { JsonObject } from '@downbeat/eventsourcing';
import { TestBench } from '@downbeat/test-bench';
import { connect } from 'nats';
import { RegistryModule } from './registry.module';

jest.setTimeout(60_000);

type List = AnswerOf<typeof registryContract.listServices>;
type Service = AnswerOf<typeof registryContract.getService>;
type Explained = AnswerOf<typeof registryContract.explainInstance>;
type Instances = AnswerOf<typeof registryContract.listInstances>;

const TERMINATING_MS = 400;

describe('the registry, on real Postgres and NATS', () => {
  let bench: TestBench;
  beforeAll(async () => {
    bench = await TestBench.start({
      services: [{ name: 'registry', module: RegistryModule }],
      environment: { REGISTRY_TERMINATING_MS: String(TERMINATING_MS) },
    });
  });
  afterAll(() => bench?.stop());

  const described = {
    service_version: '1.4.0',
    service_type: 'api',
    deployment_environment: 'production',
    dependencies: [],
  };
  const command = (name: string, id: string, body: JsonObject = {}, commandId?: string) =>
    bench.command(
      `command.registry.${name}.${id}`,
      body,
      commandId === undefined ? {} : { id: commandId },
    );
  const accepted = (name: string, id: string, body: JsonObject = {}) =>
    bench.accepted(`command.registry.${name}.${id}`, body);
  const register = (service: string, more: JsonObject = {}) =>
    accepted('RegisterService', service, { ...described, ...more });
  const registerInstance = (service: string, instance: string, more: JsonObject = {}) =>
    accepted('RegisterInstance', instance, {
      service_id: service,
      node_name: 'node-a',
      ip_address: '10.0.0.7',
      port: 3000,
      version: '1.4.0',
      ...more,
    });
  const get = (service: string, as: JsonObject = {}) =>
    bench.answer<Service>('query.registry.get-service', { service_id: service }, as);
  const instances = async (service: string, as: JsonObject = {}, input: JsonObject = {}) =>
    bench.answer<Instances>('query.registry.list-instances', { service_id: service, ...input }, as);
  const explained = (service_id: string, instance_id: string, as: JsonObject = {}) =>
    bench.answer<Explained>('query.registry.explain-instance', { service_id, instance_id }, as);
  const statusOf = async (service: string) =>
    (await instances(service)).instances.map(({ status }) => status);
  const types = async (stream: string) => (await bench.events(stream)).map(({ type }) => type);
  const refusal = async (name: string, id: string, body: JsonObject = {}) => {
    const outcome = await command(name, id, body);
    if (outcome.accepted) throw new Error(`${name} was accepted`);
    return outcome.problem;
  };

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

  describe('commands', () => {
    it('with the same id are one command, and get the first answer', async () => {
      const send = (version: string) =>
        command('RegisterService', 'once', { ...described, service_version: version }, 'key-1');
      const first = await send('1.0.0');
      expect(first).toMatchObject({ accepted: true, answer: { service_id: 'once' } });
      expect(await send('1.0.0')).toEqual({ ...first, repeated: true });
      expect(await send('2.0.0')).toMatchObject({
        accepted: false,
        problem: { code: 'idempotency-key-reused', errors: [{ field: 'Nats-Msg-Id' }] },
      });
      expect(await types('service-once')).toEqual(['ServiceRegistered']);
    });

    it('with the same id on another aggregate are another command', async () => {
      const nats = await connect({ servers: bench.natsUrl });
      for (const service of ['key-a', 'key-b']) {
        const subject = `${bench.prefix}.command.registry.RegisterService.${service}`;
        const text = JSON.stringify({ ...described, command_id: 'key-2' });
        const answer = await nats.request(subject, text, { timeout: 10_000 });
        expect(answer.json()).toMatchObject({ accepted: true, answer: { service_id: service } });
      }
      await nats.close();
      expect(await types('service-key-b')).toEqual(['ServiceRegistered']);
    });

    it.each<[string, string, JsonObject, string]>([
      ['an unknown field', 'bad-1', { ...described, colour: 'red' }, 'colour'],
      ['a wrong type', 'bad-2', { ...described, service_version: 7 }, 'service_version'],
      ['another id than the subject', 'bad-3', { ...described, service_name: 'x' }, 'service_name'],
      ['a prototype', 'bad-4', JSON.parse('{"__proto__":{"a":1}}') as JsonObject, '__proto__'],
      ['a name that is none', 'Bad_5', described, 'service_name'],
    ])(
      'with %s are refused, set aside with the field, and leave nothing',
      async (_, id, body, field) => {
        const problem = await refusal('RegisterService', id, body);
        expect(problem).toMatchObject({ kind: 'invalid' });
        expect(problem.errors?.map((error) => error.field)).toContain(field);
        const letters = await bench.deadLetters();
        const letter = letters.find(
          ({ subject }) => subject === `command.registry.RegisterService.${id}`,
        );
        expect(letter?.reason).toContain(field);
        expect(await bench.events(`service-${id}`)).toEqual([]);
      },
    );

    it('that do not exist are refused and set aside', async () => {
      expect(await refusal('DropTables', 'x')).toMatchObject({ code: 'unknown-command' });
      expect((await bench.deadLetters()).map(({ subject }) => subject)).toContain(
        'command.registry.DropTables.x',
      );
    });

    it('that a rule refuses are answered and not set aside', async () => {
      const before = (await bench.deadLetters()).length;
      const problem = await refusal('RegisterService', 'selfish', {
        ...described,
        dependencies: ['selfish'],
      });
      expect(problem).toMatchObject({ code: 'depends-on-itself' });
      expect(await bench.deadLetters()).toHaveLength(before);
    });
  });

  describe('instances', () => {
    beforeAll(() => register('shop', { health_check_endpoint: '/up' }));

    it('start, with the check their service wants', async () => {
      const position = await registerInstance('shop', 'shop-1');
      const { instances: listed, total_count } = await instances('shop', {
        min_position: position,
      });
      expect(total_count).toBe(1);
      expect(listed).toMatchObject([{ instance_id: 'shop-1', status: 'starting', port: 3000 }]);
      expect(await explained('shop', 'shop-1')).toMatchObject({
        is_offered: false,
        reasons: [{ code: 'not-checked-yet', since: listed[0]?.started_at }],
      });
      for (const [service_id, instance_id] of [
        ['shop', 'nobody'],
        ['billing', 'shop-1'],
      ])
        expect(
          await bench.query('query.registry.explain-instance', {
            service_id,
            instance_id,
          } as never),
        ).toMatchObject({ ok: false, problem: { code: 'instance-unknown', kind: 'not-found' } });
      expect((await bench.events('instance-shop-1'))[0]?.data).toMatchObject({
        check: { url: 'http://10.0.0.7:3000/up', failure_threshold: 3 },
      });
    });

    it('may have IPv6 addresses', async () => {
      await registerInstance('shop', 'shop-6', { ip_address: 'fd00::7' });
      expect((await bench.events('instance-shop-6'))[0]?.data).toMatchObject({
        check: { url: 'http://[fd00::7]:3000/up' },
      });
    });

    it('of a service that nobody registered are refused', async () => {
      const body = {
        service_id: 'nobody',
        node_name: 'n',
        ip_address: '10.0.0.1',
        port: 1,
        version: '1.0.0',
      };
      expect(await refusal('RegisterInstance', 'n-1', body)).toMatchObject({
        code: 'service-unknown',
      });
    });

    it.each<[string, JsonObject]>([
      ['RegisterInstance', { node_name: 'n', ip_address: '10.0.0.1', port: 1, version: '1.0.0' }],
      ['Heartbeat', {}],
      ['DeregisterInstance', {}],
    ])('belong to one service: %s for another one is refused', async (name, body) => {
      await register('other');
      expect(await refusal(name, 'shop-1', { service_id: 'other', ...body })).toMatchObject({
        code: 'instance-of-another-service',
        errors: [{ field: 'service_id' }],
      });
    });

    it('are heard, with what they use', async () => {
      await registerInstance('shop', 'heard-1', { heartbeat_ttl_ms: 60_000 });
      const position = await accepted('Heartbeat', 'heard-1', {
        service_id: 'shop',
        resource_usage: { cpu_percent: 12.5, memory_mb: 180 },
      });
      const { instances: listed } = await instances('shop', { min_position: position });
      const heard = listed.find(({ instance_id }) => instance_id === 'heard-1');
      expect(heard?.resource_usage).toEqual({ cpu_percent: 12.5, memory_mb: 180, disk_mb: 0 });
      expect((heard?.last_seen_at ?? '') > (heard?.started_at ?? '')).toBe(true);
      expect((await get('shop', { min_position: position })).resource_usage.memory_mb).toBe(180);
      expect(await types('instance-heard-1')).toEqual(['InstanceRegistered']);
    });

    it('that nobody registered are not heard', async () => {
      expect(await refusal('Heartbeat', 'ghost', { service_id: 'shop' })).toMatchObject({
        code: 'instance-unknown',
        kind: 'not-found',
      });
    });

    it('that fall silent terminate and are removed', async () => {
      await register('quiet');
      await registerInstance('quiet', 'quiet-1', { heartbeat_ttl_ms: 1_000 });
      await bench.eventually(
        () => types('instance-quiet-1'),
        (seen) =>
          expect(seen).toEqual(['InstanceRegistered', 'InstanceTerminating', 'InstanceRemoved']),
      );
      expect((await bench.events('instance-quiet-1'))[1]?.data).toMatchObject({
        reason: 'heartbeat-expired',
      });
      await bench.eventually(
        () => statusOf('quiet'),
        (statuses) => statuses.length === 0,
      );
    });

    it('that are heard stay', async () => {
      await register('loud');
      // Unheard, the first would go before the second; heard, it may wait for its turn that long.
      await registerInstance('loud', 'loud-1', { heartbeat_ttl_ms: 3_000 });
      await registerInstance('loud', 'loud-2', { heartbeat_ttl_ms: 4_000 });
      await bench.eventually(
        async () => {
          await accepted('Heartbeat', 'loud-1', { service_id: 'loud' });
          return types('instance-loud-2');
        },
        (seen) => seen.includes('InstanceTerminating'),
      );
      expect(await types('instance-loud-1')).toEqual(['InstanceRegistered']);
    });

    it('say goodbye, are listed as terminating for a while, and go; and may come back', async () => {
      await register('leaving');
      await registerInstance('leaving', 'leaving-1');
      const position = await accepted('DeregisterInstance', 'leaving-1', {
        service_id: 'leaving',
        reason: 'scaled down',
      });
      const { instances: listed } = await instances('leaving', { at: position });
      expect(listed).toMatchObject([{ status: 'terminating', status_reason: 'scaled down' }]);
      expect(await explained('leaving', 'leaving-1', { at: position })).toMatchObject({
        is_offered: false,
        reasons: [{ code: 'goes-away', message: 'it goes away: scaled down' }],
      });
      expect(await refusal('Heartbeat', 'leaving-1', { service_id: 'leaving' })).toMatchObject({
        code: 'instance-unknown',
      });
      await bench.eventually(
        () => types('instance-leaving-1'),
        (seen) => seen.includes('InstanceRemoved'),
      );
      await bench.eventually(
        () => statusOf('leaving'),
        (statuses) => statuses.length === 0,
      );
      const [, terminating, removed] = await bench.rows<{ ms: string }>(
        `select extract(epoch from recorded_at) * 1000 as ms from log.event
         where stream = 'instance-leaving-1' order by version`,
        [],
      );
      expect(Number(removed?.ms) - Number(terminating?.ms)).toBeGreaterThanOrEqual(TERMINATING_MS);
      await registerInstance('leaving', 'leaving-1');
      await bench.eventually(
        () => statusOf('leaving'),
        (seen) => expect(seen).toEqual(['starting']),
      );
    });

    it('are listed in pages', async () => {
      await register('many');
      let position = 0;
      for (const n of [3, 1, 2]) position = await registerInstance('many', `many-${n}`);
      const first = await instances('many', { min_position: position }, { limit: 2 });
      const second = await instances('many', {}, { limit: 2, cursor: first.next_cursor ?? '' });
      expect(
        [first, second].flatMap((page) => page.instances.map((one) => one.instance_id)),
      ).toEqual(['many-1', 'many-2', 'many-3']);
      expect([first.total_count, second.total_count, second.next_cursor]).toEqual([
        3,
        3,
        undefined,
      ]);
    });
  });

  describe('through trouble', () => {
    it('keeps what it knows when it is restarted, and holds nobody to blame for the pause', async () => {
      await register('steady');
      await registerInstance('steady', 'steady-1', { heartbeat_ttl_ms: 2_000 });
      await bench.restart('registry');
      const position = await accepted('Heartbeat', 'steady-1', { service_id: 'steady' });
      expect((await instances('steady', { min_position: position })).total_count).toBe(1);
      expect(await types('instance-steady-1')).toEqual(['InstanceRegistered']);
    });

    it('takes commands after JetStream lost everything', async () => {
      await bench.loseStreams();
      await bench.eventually(
        () => command('RegisterService', 'after-loss', described),
        (outcome) => expect(outcome).toMatchObject({ accepted: true }),
      );
      await bench.eventually(
        () => get('after-loss'),
        (found) => found.id === 'after-loss',
      );
    });

    it('is not ready while it cannot reach Postgres, and ready again when it can', async () => {
      const ready = async () => (await fetch(`${bench.urlOf('registry')}/health/ready`)).status;
      const live = async () => (await fetch(`${bench.urlOf('registry')}/health/live`)).status;
      expect(await ready()).toBe(200);
      await bench.databaseGate.shut();
      await bench.eventually(ready, (status) => status === 503);
      expect(await live()).toBe(200);
      await bench.databaseGate.open();
      await bench.eventually(ready, (status) => status === 200);
      await register('after-cut');
    });

    it('does not take for silent whom a lost database kept from being heard', async () => {
      await register('cut-off');
      await registerInstance('cut-off', 'cut-off-1', { heartbeat_ttl_ms: 1_500 });
      await bench.databaseGate.shut();
      const shutAt = Date.now();
      await bench.eventually(
        () => Date.now() - shutAt,
        (ms) => ms > 2_000,
      );
      await bench.databaseGate.open();
      await bench.eventually(
        () => command('Heartbeat', 'cut-off-1', { service_id: 'cut-off' }),
        (outcome) => expect(outcome).toMatchObject({ accepted: true }),
      );
      expect(await types('instance-cut-off-1')).toEqual(['InstanceRegistered']);
    });
  });

  it('shows what it counts to whoever scrapes it', async () => {
    const response = await fetch(`${bench.urlOf('registry')}/metrics`);
    const text = await response.text();
    expect(response.headers.get('content-type')).toContain('text/plain');
    expect(text).toMatch(/downbeat_bus_deliveries_total\{service="registry"\} [1-9]/);
    expect(text).toContain('downbeat_projection_lag_positions{projection="registry.services"');
    expect(text).toContain('downbeat_relay_unsent{context="registry"');
  });
});
