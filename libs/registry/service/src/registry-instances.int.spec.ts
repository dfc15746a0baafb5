import type { AnswerOf, registryContract } from '@downbeat/contracts';
import type { JsonObject } from '@downbeat/eventsourcing';
import { TestBench } from '@downbeat/test-bench';
import { connect } from 'nats';
import { RegistryModule } from './registry.module';
import { ConfigurationBench } from './testing/configuration-bench';
import { registryCalls } from './testing/registry-calls';

const TERMINATING_MS = 400;

describe('instances in the registry, on real Postgres and NATS', () => {
  let bench: TestBench;
  beforeAll(async () => {
    bench = await TestBench.start({
      services: [{ name: 'registry', module: RegistryModule }],
      environment: { REGISTRY_TERMINATING_MS: String(TERMINATING_MS) },
    });
  });
  afterAll(() => bench?.stop());

  const {
    command,
    accepted,
    register,
    registerInstance,
    get,
    instances,
    explained,
    statusOf,
    types,
    refusal,
  } = registryCalls(() => bench);

  describe('instances of a node, registered at once,', () => {
    const one = (service_id: string, instance_id: string) => ({
      ...{ service_id, instance_id, ip_address: '10.0.0.7', port: 3000, version: '1.4.0' },
    });

    it('are listed, as those are not that were refused', async () => {
      for (const service of ['together', 'beside']) await register(service);
      const body = {
        instances: [one('together', 'to-1'), one('unheard', 'un-1'), one('beside', 'be-1')],
      };
      const first = await command('RegisterInstances', 'node-t', body, 'at-once');
      expect(first).toMatchObject({
        accepted: true,
        answer: {
          node_name: 'node-t',
          registered: 2,
          refused: [{ index: 1, instance_id: 'un-1', code: 'service-unknown' }],
        },
      });
      if (!first.accepted) return;
      const known = { min_position: first.position };
      for (const [service, id] of [
        ['together', 'to-1'],
        ['beside', 'be-1'],
      ] as const)
        expect((await instances(service, known)).instances).toMatchObject([
          { instance_id: id, node_name: 'node-t', status: 'starting' },
        ]);
      expect(await types('instance-un-1')).toEqual([]);
      // The same again, alone and together.
      await registerInstance('together', 'to-1', { node_name: 'node-t' });
      expect(await command('RegisterInstances', 'node-t', body, 'at-once')).toEqual({
        ...first,
        repeated: true,
      });
      await command('RegisterInstances', 'node-t', body);
      expect(await types('instance-to-1')).toEqual(['InstanceRegistered']);
      const other = { instances: body.instances.slice(1) };
      expect(await command('RegisterInstances', 'node-t', other, 'at-once')).toMatchObject({
        accepted: false,
        problem: { code: 'idempotency-key-reused' },
      });
    });

    it('are the same in a read model that is built anew from the log', async () => {
      await register('anew');
      const named = ['an-1', 'an-2', 'an-3'].map((id, n) => ({
        ...one('anew', id),
        ...(n === 0 && { session: { server_id: 'NOWHERE', client_id: 7 }, weight: 2, priority: 1 }),
      }));
      await accepted('RegisterInstances', 'node-v', { instances: named });
      const gone = await accepted('DeregisterInstance', 'an-2', { service_id: 'anew' });
      expect((await instances('anew', { min_position: gone })).total_count).toBe(3);
      expect(
        await bench.bus.query('query.registry.verify-read-model', { name: 'registry.services' }),
      ).toMatchObject({ ok: true, data: { is_equal: true } });
    });

    it('may be five hundred, and no more', async () => {
      await register('crowd');
      const many = (n: number) => Array.from({ length: n }, (_, i) => one('crowd', `c-${i}`));
      const problem = await refusal('RegisterInstances', 'node-c', { instances: many(501) });
      expect(problem).toMatchObject({ code: 'invalid-input', errors: [{ field: 'instances' }] });
      const position = await accepted('RegisterInstances', 'node-c', { instances: many(500) });
      const listed = await instances('crowd', { min_position: position }, { limit: 1 });
      expect(listed.total_count).toBe(500);
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
      expect((await get('shop', { min_position: position })).resource_usage?.memory_mb).toBe(180);
      // Heartbeats are not kept: what is heard now says nothing of the past.
      const { instances: past } = await instances('shop', { at: position });
      const then = past.find(({ instance_id }) => instance_id === 'heard-1');
      expect(then?.started_at).toBe(heard?.started_at);
      const { services } = await bench.answer<AnswerOf<typeof registryContract.listServices>>(
        'query.registry.list-services',
        {},
        { at: position },
      );
      for (const said of [then, services[0], await get('shop', { at: position })]) {
        expect(said).toBeDefined();
        expect(said).not.toHaveProperty('resource_usage');
        expect(said).not.toHaveProperty('last_seen_at');
      }
      expect(await types('instance-heard-1')).toEqual(['InstanceRegistered']);
    });

    it('are counted as silent from when they say how long they may be', async () => {
      await register('later');
      await registerInstance('later', 'later-1');
      const since = performance.now();
      await bench.eventually(
        () => Promise.resolve(performance.now() - since),
        (ms) => ms > 1_100,
      );
      await registerInstance('later', 'later-1', { heartbeat_ttl_ms: 1_000 });
      await bench.eventually(
        () => types('instance-later-1'),
        (seen) => expect(seen).toContain('InstanceTerminating'),
      );
      const [, adjusted, terminating] = await bench.rows<{ ms: string }>(
        `select extract(epoch from recorded_at) * 1000 as ms from log.event
         where stream = 'instance-later-1' order by version`,
        [],
      );
      expect(Number(terminating?.ms) - Number(adjusted?.ms)).toBeGreaterThanOrEqual(1_000);
    });

    it('show how much they take, and go on when that changes', async () => {
      await register('scales');
      const more = { weight: 3, priority: 1, heartbeat_ttl_ms: 60_000, metadata: { rack: 'a' } };
      await registerInstance('scales', 'scales-1', more);
      await new ConfigurationBench(bench).observe('scales', 'scales-1', 'healthy');
      const first = await registerInstance('scales', 'scales-1', more);
      expect((await instances('scales', { min_position: first })).instances).toMatchObject([more]);
      const session = { server_id: 'NOWHERE', client_id: 9 };
      const changed = { weight: 5, metadata: { rack: 'b' }, session };
      const position = await registerInstance('scales', 'scales-1', changed);
      const { instances: listed } = await instances('scales', { min_position: position });
      expect(listed).toMatchObject([
        { status: 'healthy', is_offered: true, weight: 5, priority: 0, metadata: { rack: 'b' } },
      ]);
      expect(listed[0]).not.toHaveProperty('heartbeat_ttl_ms');
      expect(await types('instance-scales-1')).toEqual([
        ...['InstanceRegistered', 'InstanceHealthObserved'],
        ...['InstanceAdjusted', 'InstanceSessionMoved'],
      ]);
      expect(
        await bench.bus.query('query.registry.verify-read-model', { name: 'registry.services' }),
      ).toMatchObject({ ok: true, data: { is_equal: true } });
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
      expect((await instances('quiet')).gone).toMatchObject([
        { instance_id: 'quiet-1', lifecycle: 'failed', reason: 'heartbeat-expired' },
      ]);
    });

    it('whose heartbeats stay away go, though their connection is open and their checks pass', async () => {
      await register('mute');
      const session = (client_id: number) => ({ server_id: 'ITS-SERVER', client_id });
      const more = { heartbeat_ttl_ms: 5_000 };
      await registerInstance('mute', 'mute-1', { ...more, session: session(1) });
      await new ConfigurationBench(bench).observe('mute', 'mute-1', 'healthy');
      // The server says who goes, and has not said it of this one.
      const nats = await connect({ servers: bench.natsUrl });
      const said = { server: { id: 'ITS-SERVER' }, client: { id: 2 }, reason: 'Client Closed' };
      nats.publish('session.closed', JSON.stringify(said));
      await nats.drain();
      await bench.eventually(
        () => types('instance-mute-1'),
        (seen) => seen.includes('InstanceTerminating'),
      );
      expect((await bench.events('instance-mute-1'))[2]?.data).toMatchObject({
        reason: 'heartbeat-expired',
      });
    });

    it('that are heard stay', async () => {
      await register('loud');
      // Unheard, the first would go before the second; heard, it may wait for its turn that long.
      await registerInstance('loud', 'loud-1', { heartbeat_ttl_ms: 8_000 });
      await registerInstance('loud', 'loud-2', { heartbeat_ttl_ms: 9_000 });
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
      const ended = { lifecycle: 'stopped', reason: 'scaled down' };
      expect((await instances('leaving')).gone).toMatchObject([
        { instance_id: 'leaving-1', ...ended, ended_at: expect.any(String) },
      ]);
      expect(await explained('leaving', 'leaving-1')).toMatchObject({
        is_offered: false,
        reasons: [{ code: 'has-ended', message: 'it has stopped, and is gone: scaled down' }],
      });
      await registerInstance('leaving', 'leaving-1');
      await bench.eventually(
        () => statusOf('leaving'),
        (seen) => expect(seen).toEqual(['starting']),
      );
      expect((await instances('leaving')).gone).toEqual([]);
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
});
