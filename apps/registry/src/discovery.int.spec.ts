import { querySubject, registryContract, type AnswerOf } from '@downbeat/contracts';
import type { DirectoryFollower } from '@downbeat/discovery';
import type { JsonObject } from '@downbeat/eventsourcing';
import { HealthModule } from '@downbeat/health-service';
import { RegistryModule } from '@downbeat/registry-service';
import { eventually, TestBench } from '@downbeat/test-bench';
import { connect, type NatsConnection } from 'nats';
import { followerOf } from './testing/follower';
import { Instance } from './testing/instance';

type Explained = AnswerOf<typeof registryContract.explainInstance>;

const WINDOW_MS = 3_000;
const UNUSABLE_MS = 10_000;

describe('what callers know', () => {
  let bench: TestBench;
  let follower: DirectoryFollower;
  let instances: Instance[] = [];
  let connections: NatsConnection[] = [];

  beforeAll(async () => {
    bench = await TestBench.start({
      services: [
        { name: 'registry', module: RegistryModule },
        { name: 'health', module: HealthModule },
      ],
      environment: {
        REGISTRY_TERMINATING_MS: '10000',
        REGISTRY_EXPIRY_WINDOW_MS: String(WINDOW_MS),
        REGISTRY_UNUSABLE_MS: String(UNUSABLE_MS),
      },
    });
    follower = await followerOf(bench);
  });
  afterEach(async () => {
    await Promise.all(instances.map((instance) => instance.stop()));
    await Promise.all(connections.map((connection) => connection.close()));
    instances = [];
    connections = [];
  });
  afterAll(async () => {
    await follower?.stop();
    await bench?.stop();
  });

  const check = { interval_ms: 100, timeout_ms: 2_000, failure_threshold: 1, success_threshold: 1 };
  const accepted = (name: string, id: string, body: JsonObject = {}) =>
    bench.accepted(`command.registry.${name}.${id}`, body);
  const register = (service: string, more: JsonObject = {}) =>
    accepted('RegisterService', service, {
      service_version: '1.4.0',
      service_type: 'api',
      deployment_environment: 'production',
      dependencies: [],
      health_check: check,
      ...more,
    });
  const registerInstance = (service_id: string, id: string, port: number, more: JsonObject = {}) =>
    accepted('RegisterInstance', id, {
      service_id,
      node_name: 'here',
      ip_address: '127.0.0.1',
      port,
      version: '1.4.0',
      ...more,
    });
  const start = async (service: string, id: string, more: JsonObject = {}): Promise<Instance> => {
    const instance = await Instance.start();
    instances.push(instance);
    await registerInstance(service, id, instance.port, more);
    return instance;
  };
  const announce = (service_id: string, id: string, lifecycle: string) =>
    accepted('AnnounceLifecycle', id, { service_id, lifecycle });
  const known = (service: string) =>
    follower.snapshot.serviceOf(service)?.targets.map(({ instance_id }) => instance_id) ?? [];
  const become = (service: string, ...ids: string[]) =>
    eventually(
      async () => known(service),
      (seen) => expect([...seen].sort()).toEqual(ids),
    );
  const codesOf = async (service_id: string, instance_id: string) => {
    const input = { service_id, instance_id };
    const { reasons } = await bench.answer<Explained>('query.registry.explain-instance', input);
    return reasons.map(({ code }) => code);
  };
  const session = async () => {
    const connection = await connect({ servers: bench.natsUrl });
    connections.push(connection);
    const { server_id, client_id } = connection.info ?? { server_id: '', client_id: 0 };
    return { connection, session: { server_id, client_id } };
  };
  const listed = async (service_id: string) => {
    const { instances: all } = await bench.answer<AnswerOf<typeof registryContract.listInstances>>(
      'query.registry.list-instances',
      { service_id },
    );
    return all;
  };
  const statusOf = async (service_id: string) =>
    (await listed(service_id)).map(({ status, lifecycle, status_reason }) => ({
      status,
      lifecycle,
      status_reason,
    }));

  it('is pushed: an instance that takes calls, where it is and in which zone', async () => {
    await register('pushed');
    const asked = follower.status().revision;
    const instance = await start('pushed', 'pushed-1', { zone: 'north', weight: 3, priority: 1 });
    await become('pushed', 'pushed-1');
    expect(follower.snapshot.serviceOf('pushed')?.targets).toEqual([
      {
        service_name: 'pushed',
        instance_id: 'pushed-1',
        version: '1.4.0',
        url: `http://127.0.0.1:${instance.port}`,
        zone: 'north',
        weight: 3,
        priority: 1,
      },
    ]);
    expect(follower.status().revision).toBeGreaterThan(asked);
  });

  it('leaves out an instance whose connection has closed, before any check or heartbeat notices', async () => {
    await register('session', { health_check: { ...check, interval_ms: 60_000 } });
    const { connection, session: own } = await session();
    await start('session', 'session-1', { session: own, heartbeat_ttl_ms: 60_000 });
    await become('session', 'session-1');
    await connection.close();
    await become('session');
    await bench.eventually(
      () => statusOf('session'),
      (seen) =>
        expect(seen).toEqual([
          { status: 'terminating', lifecycle: 'failed', status_reason: 'session-closed' },
        ]),
    );
  });

  it('leaves out one whose connection closed before the registry had heard of it', async () => {
    await register('early');
    const { connection, session: own } = await session();
    await connection.close();
    await start('early', 'early-1', { session: own });
    await bench.eventually(
      () => statusOf('early'),
      (seen) => expect(seen).toMatchObject([{ status: 'terminating' }]),
    );
  });

  it('leaves out one whose connection closed while Postgres was away, when that is back', async () => {
    await register('away', { health_check: { ...check, interval_ms: 60_000 } });
    const { connection, session: own } = await session();
    await start('away', 'away-1', { session: own, heartbeat_ttl_ms: 60_000 });
    await become('away', 'away-1');
    await bench.databaseGate.shut();
    await connection.close();
    // Nothing that is not on record is told.
    const { connection: other } = await session();
    await other.flush();
    expect(known('away')).toEqual(['away-1']);
    await bench.databaseGate.open();
    await become('away');
  });

  it('keeps one that has come over another connection meanwhile', async () => {
    await register('moved');
    const first = await session();
    const second = await session();
    const instance = await start('moved', 'moved-1', { session: first.session });
    await become('moved', 'moved-1');
    await registerInstance('moved', 'moved-1', instance.port, { session: second.session });
    await first.connection.close();
    // What the server says of the second comes after what it said of the first.
    const third = await session();
    await start('moved', 'moved-2', { session: third.session });
    await become('moved', 'moved-1', 'moved-2');
    await third.connection.close();
    await become('moved', 'moved-1');
  });

  it('waits for an instance that says it is not ready, and drops it when it says it stops', async () => {
    await register('staged');
    const instance = await Instance.start();
    instances.push(instance);
    instance.answers = 'fails';
    await registerInstance('staged', 'staged-1', instance.port);
    await announce('staged', 'staged-1', 'initializing');
    instance.answers = 'ok';
    await bench.eventually(
      () => codesOf('staged', 'staged-1'),
      (codes) => expect(codes).toEqual(['not-running-yet']),
    );
    expect(known('staged')).toEqual([]);
    await announce('staged', 'staged-1', 'running');
    await become('staged', 'staged-1');
    await announce('staged', 'staged-1', 'stopping');
    await become('staged');
    expect(await codesOf('staged', 'staged-1')).toEqual(['goes-away']);
    const back = await bench.command('command.registry.AnnounceLifecycle.staged-1', {
      service_id: 'staged',
      lifecycle: 'running',
    });
    expect(back).toMatchObject({ problem: { code: 'lifecycle-goes-forward' } });
  });

  it('never offers one that is registered as not ready, however fast it is healthy', async () => {
    await register('warming');
    const { port } = await start('warming', 'warming-1', {
      ...{ lifecycle: 'initializing', lifecycle_detail: 'warms its cache' },
      heartbeat_ttl_ms: 3_600_000,
    });
    await bench.eventually(
      () => codesOf('warming', 'warming-1'),
      (codes) => expect(codes).toEqual(['not-running-yet']),
    );
    expect(await listed('warming')).toMatchObject([
      { status: 'healthy', lifecycle: 'initializing' },
    ]);
    // It says so when it registers over another connection.
    const { session: next } = await session();
    await registerInstance('warming', 'warming-1', port, {
      ...{ session: next, lifecycle: 'running', heartbeat_ttl_ms: 3_600_000 },
    });
    await become('warming', 'warming-1');
    const events = await bench.events('instance-warming-1');
    expect(events.map(({ type }) => type)).toEqual([
      ...['InstanceRegistered', 'InstanceLifecycleAnnounced', 'InstanceHealthObserved'],
      ...['InstanceSessionMoved', 'InstanceLifecycleAnnounced'],
    ]);
  });

  it('refuses one that is registered as it goes', async () => {
    await register('leaver');
    for (const lifecycle of ['stopping', 'failed', 'registered']) {
      const outcome = await bench.command('command.registry.RegisterInstance.leaver-1', {
        ...{ service_id: 'leaver', node_name: 'here', ip_address: '127.0.0.1', port: 1 },
        ...{ version: '1.4.0', lifecycle },
      });
      expect(outcome).toMatchObject({
        problem: { code: 'invalid-input', errors: [{ field: 'lifecycle' }] },
      });
    }
  });

  it('leaves out for a while who changes its mind too often, and says so', async () => {
    await register('flaps');
    const instance = await start('flaps', 'flaps-1');
    for (let turn = 0; turn < 3; turn++) {
      instance.answers = 'ok';
      await become('flaps', 'flaps-1');
      instance.answers = 'fails';
      await become('flaps');
    }
    instance.answers = 'ok';
    await bench.eventually(
      () => codesOf('flaps', 'flaps-1'),
      (codes) => expect(codes).toEqual(['changes-too-often']),
    );
    expect(known('flaps')).toEqual([]);
  });

  it('keeps all but a share of those that fall silent at once, and lets the others go later', async () => {
    const ids = ['silent-1', 'silent-2', 'silent-3', 'silent-4'];
    await register('silent', { health_check: { ...check, interval_ms: 60_000 } });
    for (const id of ids) await start('silent', id, { heartbeat_ttl_ms: 6_000 });
    await become('silent', ...ids);
    await become('silent');
    const gone = await bench.eventually(
      () => listed('silent'),
      (seen) => expect(seen.every(({ status }) => status === 'terminating')).toBe(true),
    );
    const [first = 0, , third = 0] = gone
      .map(({ status_changed_at }) => Date.parse(status_changed_at))
      .sort((one, other) => one - other);
    expect(third - first).toBeGreaterThanOrEqual(WINDOW_MS);
  });

  it('forgets an instance that sends no heartbeats and nobody could ever use', async () => {
    await register('zombie', { health_check: { ...check, interval_ms: 60_000 } });
    const instance = await Instance.start();
    instances.push(instance);
    instance.answers = 'fails';
    await registerInstance('zombie', 'zombie-1', instance.port);
    await bench.eventually(
      () => statusOf('zombie'),
      (seen) =>
        expect(seen).toEqual([
          { status: 'terminating', lifecycle: 'failed', status_reason: 'never-healthy' },
        ]),
    );
  });

  it('is told with its shape, also while nothing changes', async () => {
    await register('shaped');
    const shape = registryContract.DIRECTORY_SHAPE;
    expect(
      await bench.answer<registryContract.DirectoryPage>(querySubject(registryContract.directory)),
    ).toMatchObject({ shape });
    const heard: registryContract.DirectoryPush[] = [];
    const stop = bench.bus.onHint(registryContract.DIRECTORY_PUSH, (push) => {
      heard.push(push as registryContract.DirectoryPush);
    });
    await bench.eventually(
      () => heard.filter(({ services }) => services.length === 0),
      ([beat]) => expect(beat).toMatchObject({ shape }),
    );
    stop();
  });

  it('is told apart from what another log told', async () => {
    await register('marked');
    const ask = async (mark: registryContract.LogMark) => {
      const subject = querySubject(registryContract.directory);
      return bench.answer<registryContract.DirectoryPage>(subject, { since: 1, mark });
    };
    const { mark } = await bench.answer<registryContract.DirectoryPage>(
      querySubject(registryContract.directory),
    );
    if (!mark) throw new Error('the registry names no event of its log');
    expect((await ask(mark)).services).not.toEqual([]);
    for (const other of [
      { ...mark, event_id: 'another' },
      { ...mark, position: mark.position + 1_000_000 },
    ])
      expect(await ask(other)).toMatchObject({ services: [], is_other_log: true });
  });

  it('stays while the registry is away, and goes on from there', async () => {
    await register('stays');
    await start('stays', 'stays-1');
    await become('stays', 'stays-1');
    await bench.stopService('registry');
    expect(known('stays')).toEqual(['stays-1']);
    await bench.startService('registry');
    await start('stays', 'stays-2');
    await become('stays', 'stays-1', 'stays-2');
  });
});
