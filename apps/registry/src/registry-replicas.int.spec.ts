import type { registryContract, AnswerOf } from '@downbeat/contracts';
import type { DirectoryFollower } from '@downbeat/discovery';
import type { JsonObject } from '@downbeat/eventsourcing';
import { HealthModule } from '@downbeat/health-service';
import { RegistryModule } from '@downbeat/registry-service';
import { eventually, TestBench } from '@downbeat/test-bench';
import { connect } from 'nats';
import { followerOf } from './testing/follower';
import { Instance } from './testing/instance';

const REPLICAS = ['registry', 'registry-2'];
const INSTANCES = 40;
const HEARTBEAT_TTL_MS = 2_000;
/** Long enough for callers on a busy machine to know of it first. */
const SILENT_TTL_MS = 6_000;
/** Long enough for a busy machine to be heard in, and to restart a registry. */
const KEPT_TTL_MS = 20_000;

describe('two replicas of the registry', () => {
  let bench: TestBench;
  let follower: DirectoryFollower;
  let instance: Instance;

  beforeAll(async () => {
    bench = await TestBench.start({
      services: [
        ...REPLICAS.map((name) => ({ name, module: RegistryModule })),
        { name: 'health', module: HealthModule },
      ],
    });
    instance = await Instance.start();
    follower = await followerOf(bench);
  });
  afterAll(async () => {
    await follower?.stop();
    await instance?.stop();
    await bench?.stop();
  });

  const register = (service: string) =>
    bench.accepted(`command.registry.RegisterService.${service}`, {
      service_version: '1.0.0',
      service_type: 'api',
      deployment_environment: 'production',
      dependencies: [],
    });
  const registerInstance = (service_id: string, id: string, more: JsonObject = {}) =>
    bench.accepted(`command.registry.RegisterInstance.${id}`, {
      service_id,
      node_name: 'here',
      ip_address: '127.0.0.1',
      port: instance.port,
      version: '1.0.0',
      ...more,
    });
  const known = (service: string): readonly string[] =>
    (follower.snapshot.serviceOf(service)?.targets ?? [])
      .map(({ instance_id }) => instance_id)
      .sort();
  const idsOf = (service: string): readonly string[] =>
    Array.from({ length: INSTANCES }, (_, n) => `${service}-${100 + n}`);
  const become = (service: string, ids: readonly string[]) =>
    eventually(
      () => known(service),
      (seen) => expect(seen).toEqual(ids),
      30_000,
    );
  const endsOf = async (id: string): Promise<readonly unknown[]> => {
    const events = await bench.events(`instance-${id}`);
    return events.filter(({ type }) => type === 'InstanceTerminating').map(({ data }) => data);
  };

  it('share the commands, and callers know once what both tell them', async () => {
    await register('shared');
    await Promise.all(idsOf('shared').map((id) => registerInstance('shared', id)));
    await become('shared', idsOf('shared'));
    for (const name of REPLICAS) expect(await doneBy(bench, name)).toBeGreaterThan(0);
  });

  it('give up once what both hear the end of', async () => {
    await register('session');
    const connection = await connect({ servers: bench.natsUrl });
    const { server_id = '', client_id = 0 } = connection.info ?? {};
    await registerInstance('session', 'session-1', { session: { server_id, client_id } });
    await become('session', ['session-1']);
    await connection.close();
    await become('session', []);
    await registerInstance('session', 'session-2');
    await become('session', ['session-2']);
    expect(await endsOf('session-1')).toMatchObject([{ ending: 'session-closed' }]);
  });

  it('give up once what is silent', async () => {
    await register('silent');
    await registerInstance('silent', 'silent-1', { heartbeat_ttl_ms: SILENT_TTL_MS });
    await become('silent', ['silent-1']);
    await become('silent', []);
    expect(await endsOf('silent-1')).toHaveLength(1);
  });

  it('keep who is heard, through a restart of each of them', async () => {
    await register('kept');
    const connection = await connect({ servers: bench.natsUrl });
    const { server_id = '', client_id = 0 } = connection.info ?? {};
    await registerInstance('kept', 'kept-1', {
      ...{ session: { server_id, client_id }, heartbeat_ttl_ms: KEPT_TTL_MS },
    });
    const heardFor = async (ms: number) => {
      const since = performance.now();
      await eventually(
        async () => {
          await bench.accepted('command.registry.Heartbeat.kept-1', { service_id: 'kept' });
          return performance.now() - since;
        },
        (heardMs) => heardMs > ms,
        4 * KEPT_TTL_MS,
      );
    };
    for (const name of REPLICAS) {
      await heardFor(0);
      await bench.restart(name);
    }
    // Nobody of those who run now has seen its connection begin.
    await heardFor(KEPT_TTL_MS * 1.2);
    expect(await endsOf('kept-1')).toEqual([]);
    await connection.close();
    await eventually(
      () => endsOf('kept-1'),
      (ends) => expect(ends).toMatchObject([{ ending: 'session-closed' }]),
      30_000,
    );
  });

  it('give up whose connection closed while none of them ran', async () => {
    await register('unseen');
    const connection = await connect({ servers: bench.natsUrl });
    const { server_id = '', client_id = 0 } = connection.info ?? {};
    await registerInstance('unseen', 'unseen-1', {
      ...{ session: { server_id, client_id }, heartbeat_ttl_ms: HEARTBEAT_TTL_MS },
    });
    for (const name of REPLICAS) await bench.stopService(name);
    await connection.close();
    for (const name of REPLICAS) await bench.startService(name);
    await eventually(
      () => endsOf('unseen-1'),
      (ends) => expect(ends).toMatchObject([{ reason: 'heartbeat-expired' }]),
      30_000,
    );
  });

  it('lose nothing when one of them goes in the middle, and comes back', async () => {
    await register('goes');
    const [first = [], second = []] = [idsOf('goes').slice(0, 20), idsOf('goes').slice(20)];
    const under = Promise.all(first.map((id) => registerInstance('goes', id)));
    await bench.stopService('registry');
    await under;
    await Promise.all(second.map((id) => registerInstance('goes', id)));
    await become('goes', idsOf('goes'));
    await bench.startService('registry');
    await bench.stopService('registry-2');
    await registerInstance('goes', 'goes-200');
    await become('goes', [...idsOf('goes'), 'goes-200']);
    const { instances } = await bench.answer<AnswerOf<typeof registryContract.listInstances>>(
      'query.registry.list-instances',
      { service_id: 'goes', limit: 100 },
    );
    expect(instances).toHaveLength(INSTANCES + 1);
  });
});

/** Commands that a replica has carried out. */
async function doneBy(bench: TestBench, name: string): Promise<number> {
  const metrics = await (await fetch(`${bench.urlOf(name)}/metrics`)).text();
  return Number(/^downbeat_bus_done_total\{.*\} (\d+)$/m.exec(metrics)?.[1] ?? 0);
}
