import { registryContract } from '@downbeat/contracts';
import { MemoryEventStore, MemoryLog } from '@downbeat/event-store/testing';
import { EventStoreUnavailable, type Append, type Appended } from '@downbeat/event-store';
import { instantOf } from '@downbeat/eventsourcing';
import { instanceStream, serviceStream } from '@downbeat/registry-domain';
import type { LiveDirectory } from '../directory/live-directory';
import { InstanceRoom } from './instance-room';
import { RegisterInstance, RegisterInstanceHandler } from './register-instance';
import { RegisterInstances, RegisterInstancesHandler } from './register-instances';

const meta = { correlation_id: 'c1', causation_id: 'c1', actor: 'test' };
const described = (service_name: string, more: object = {}) => ({
  service_name,
  service_version: '1.4.0',
  service_type: 'api',
  deployment_environment: 'production',
  dependencies: [],
  ...more,
});
const instance = (service_id: string, n: number, more: object = {}) => ({
  service_id,
  instance_id: `${service_id}-${n}`,
  ip_address: '10.0.0.7',
  port: 3000 + n,
  version: '1.4.0',
  ...more,
});
type Instance = ReturnType<typeof instance>;

/** Loses its life before or after an append, as often as said. */
class DyingStore extends MemoryEventStore {
  dies: 'before' | 'after' | undefined;
  fault: Error = new Error('killed');

  override async appendTogether(appends: readonly Append[]): Promise<readonly Appended[]> {
    const when = this.dies;
    this.dies = undefined;
    if (when === 'before') throw this.fault;
    const appended = await super.appendTogether(appends);
    if (when === 'after') throw this.fault;
    return appended;
  }
}

async function registry(present = 0) {
  const store = new DyingStore(new MemoryLog(() => 0), 'registry');
  for (const service of [
    described('billing'),
    described('ledger', { health_check: { kind: 'nats' } }),
  ])
    await store.append({
      stream: serviceStream(service.service_name),
      expected: 0,
      events: [{ type: 'ServiceRegistered', data: service }],
      meta,
    });
  const play = { present, now: 0 };
  let read: (events: readonly object[]) => void = () => undefined;
  const directory = {
    isPresent: () => false,
    presentInstances: () => play.present,
    onRead: (listener: typeof read) => {
      read = listener;
      return () => undefined;
    },
  };
  const room = new InstanceRoom(directory as unknown as LiveDirectory, { now: () => play.now });
  /** The directory reads these from the log. */
  const readAll = (instances: readonly Instance[]) => {
    play.present += instances.length;
    read(instances.map((data) => ({ type: 'InstanceRegistered', data })));
  };
  const handler = new RegisterInstancesHandler(store, room);
  const register = (instances: readonly Instance[], commandId = 'c-1') => {
    const data = { node_name: 'node-a', instances: [...instances] };
    return handler.execute(new RegisterInstances(data, instantOf(0), { meta, commandId }));
  };
  const single = (one: Instance) => {
    // As it comes out of the entrance, whatever the order it was written in.
    const data = registryContract.registerInstance.data.parse({ ...one, node_name: 'node-a' });
    const command = new RegisterInstance(data as never, instantOf(0), { meta });
    return new RegisterInstanceHandler(store, room).execute(command);
  };
  const registered = async (...ids: readonly string[]) =>
    Promise.all(ids.map(async (id) => (await store.load(instanceStream(id))).length));
  return { store, register, single, registered, play, readAll };
}

it('registers each as it would be alone', async () => {
  const { store, register } = await registry();
  const one = instance('billing', 1, { zone: 'a', weight: 2 });
  const other = instance('ledger', 1, { health_check_subject: 'service.ledger.health' });
  expect(await register([one, other])).toMatchObject({
    accepted: true,
    repeated: false,
    position: 4,
    answer: { node_name: 'node-a', registered: 2, refused: [] },
  });
  const alone = await registry();
  for (const said of [one, other]) {
    await alone.single(said);
    const stream = instanceStream(said.instance_id);
    const [together] = await store.load(stream);
    expect(JSON.stringify(together?.data)).toBe(
      JSON.stringify((await alone.store.load(stream))[0]?.data),
    );
  }
});

it('knows at once how far each has come, in either way', async () => {
  const one = instance('billing', 1, { lifecycle: 'initializing', lifecycle_detail: 'warms up' });
  for (const register of ['together', 'alone'] as const) {
    const registered = await registry();
    await (register === 'alone' ? registered.single(one) : registered.register([one]));
    const events = await registered.store.load(instanceStream('billing-1'));
    expect(events).toMatchObject([
      { type: 'InstanceRegistered', commit_no: 3 },
      {
        type: 'InstanceLifecycleAnnounced',
        commit_no: 3,
        data: { lifecycle: 'initializing', detail: 'warms up' },
      },
    ]);
    expect(events[0]?.data).not.toHaveProperty('lifecycle');
    expect(events[0]?.data).not.toHaveProperty('lifecycle_detail');
  }
});

it('refuses a detail of how far one has come that does not say how far', async () => {
  const { register, single } = await registry();
  const one = instance('billing', 1, { lifecycle_detail: 'warms up' });
  const refused = { code: 'lifecycle-missing', errors: [{ field: 'lifecycle' }] };
  expect(await single(one)).toMatchObject({ accepted: false, problem: refused });
  expect(await register([one, instance('billing', 2)])).toMatchObject({
    answer: { registered: 1, refused: [{ index: 0, code: 'lifecycle-missing' }] },
  });
});

it('changes nothing by registering again what is registered, in either way', async () => {
  const { register, single, registered } = await registry();
  const [one, other] = [instance('billing', 1), instance('billing', 2)];
  await single(one);
  await register([one, other]);
  await register([one, other], 'c-2');
  await single(other);
  expect(await registered('billing-1', 'billing-2')).toEqual([1, 1]);
});

it('says which it refused and why, stores nothing of those, and all of the others', async () => {
  const { register, registered, single } = await registry();
  await single(instance('billing', 5));
  const outcome = await register([
    instance('nowhere', 1),
    instance('billing', 1),
    instance('ledger', 1),
    instance('billing', 1, { port: 9 }),
    instance('ledger', 5, { instance_id: 'billing-5', health_check_subject: 'service.x' }),
    instance('billing', 2),
  ]);
  expect(outcome).toMatchObject({
    accepted: true,
    answer: {
      registered: 2,
      refused: [
        { index: 0, service_id: 'nowhere', instance_id: 'nowhere-1', code: 'service-unknown' },
        { index: 2, instance_id: 'ledger-1', code: 'check-subject-missing' },
        { index: 3, instance_id: 'billing-1', code: 'instance-given-twice' },
        { index: 4, instance_id: 'billing-5', code: 'instance-of-another-service' },
      ],
    },
  });
  expect(await registered('nowhere-1', 'billing-1', 'ledger-1', 'billing-2', 'billing-5')).toEqual([
    0, 1, 0, 1, 1,
  ]);
});

it('is refused when all of it is, and may be asked again', async () => {
  const { register, store } = await registry();
  expect(await register([instance('nowhere', 1), instance('nowhere', 2)])).toMatchObject({
    accepted: false,
    problem: {
      code: 'nothing-registered',
      kind: 'not-found',
      errors: [{ field: 'instances.0' }, { field: 'instances.1' }],
    },
  });
  expect(await register([instance('nowhere', 1), instance('ledger', 1)])).toMatchObject({
    problem: { kind: 'conflict' },
  });
  expect(await store.answerOf('c-1')).toBeUndefined();
});

it('gives the first answer again to the same command', async () => {
  const { register, registered } = await registry();
  const first = await register([instance('billing', 1), instance('nowhere', 1)]);
  expect(await register([instance('billing', 1), instance('nowhere', 1)])).toEqual({
    ...first,
    repeated: true,
  });
  expect(await registered('billing-1')).toEqual([1]);
});

it.each(['before', 'after'] as const)(
  'is carried out once by whoever gets it after a crash %s the append',
  async (when) => {
    const { store, register, registered } = await registry();
    const instances = [instance('billing', 1), instance('nowhere', 1), instance('billing', 2)];
    store.dies = when;
    await expect(register(instances)).rejects.toThrow('killed');
    expect(await registered('billing-1', 'billing-2')).toEqual(when === 'after' ? [1, 1] : [0, 0]);
    expect(await register(instances)).toMatchObject({
      accepted: true,
      repeated: when === 'after',
      answer: { registered: 2, refused: [{ index: 1 }] },
    });
    expect(await registered('billing-1', 'billing-2')).toEqual([1, 1]);
  },
);

it('takes no more of a service than callers can be told of', async () => {
  const { register, registered } = await registry(2_999);
  expect(await register([instance('billing', 1), instance('billing', 2)])).toMatchObject({
    answer: { registered: 1, refused: [{ index: 1, code: 'too-many-instances' }] },
  });
  expect(await registered('billing-1', 'billing-2')).toEqual([1, 0]);
});

describe('near the bound of a service', () => {
  const some = (first: number, count: number) =>
    Array.from({ length: count }, (_, n) => instance('billing', first + n));
  const countOf = (outcome: unknown) =>
    (outcome as { answer?: { registered: number } }).answer?.registered ?? 0;

  it('commands that come at once have its room between them', async () => {
    const { register, registered } = await registry();
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, n) => register(some(n * 400, 400), `c-${n}`)),
    );
    expect(outcomes.map(countOf)).toEqual([400, 400, 400, 400, 400, 400, 400, 200, 0, 0]);
    expect(outcomes.at(-1)).toMatchObject({ problem: { code: 'nothing-registered' } });
    expect(await registered('billing-2999', 'billing-3000')).toEqual([1, 0]);
  });

  it('one that is refused for something else takes no room from those behind it', async () => {
    const { register, single } = await registry(2_998);
    await single(instance('ledger', 9, { health_check_subject: 'service.ledger.health' }));
    const taken = instance('billing', 9, { instance_id: 'ledger-9' });
    expect(await register([taken, ...some(6, 3)])).toMatchObject({
      answer: {
        registered: 2,
        refused: [
          { index: 0, code: 'instance-of-another-service' },
          { index: 3, code: 'too-many-instances' },
        ],
      },
    });
  });

  it('what the directory has read is not counted twice', async () => {
    const { register, readAll } = await registry(2_990);
    await register(some(0, 8));
    readAll(some(0, 8));
    expect(countOf(await register(some(100, 8), 'c-2'))).toBe(2);
  });

  it('what was not appended leaves its room to others, the same one included', async () => {
    const { register, store } = await registry(2_998);
    store.dies = 'before';
    await expect(register(some(0, 2))).rejects.toThrow('killed');
    expect(countOf(await register(some(10, 2), 'c-2'))).toBe(2);
    expect(await register(some(0, 2))).toMatchObject({ accepted: false });
  });

  it('what may have been appended keeps its room for a time', async () => {
    const { register, store, play } = await registry(2_998);
    store.dies = 'before';
    store.fault = new EventStoreUnavailable('no answer');
    await expect(register(some(0, 2))).rejects.toThrow('no answer');
    expect(await register(some(10, 2), 'c-2')).toMatchObject({ accepted: false });
    play.now = 29_999;
    expect(countOf(await register(some(0, 1), 'c-3'))).toBe(1);
    play.now = 30_000;
    expect(countOf(await register(some(10, 2), 'c-4'))).toBe(1);
  });
});
