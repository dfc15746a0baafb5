import type { EventStore } from '@downbeat/event-store';
import { MemoryEventStore, MemoryLog } from '@downbeat/event-store/testing';
import { MemoryMessageBus } from '@downbeat/message-bus/testing';
import { instantOf, type Recorded } from '@downbeat/eventsourcing';
import {
  instanceStream,
  type DirectoryEvent,
  type Ending,
  type InstanceName,
} from '@downbeat/registry-domain';
import type { HostSettings } from '@downbeat/service-host';
import { Logger } from '@nestjs/common';
import type { LiveDirectory } from '../directory/live-directory';
import { ClosedSessions } from './closed-sessions';

const sessionOf = (client_id: number) => ({ server_id: 'NATS1', client_id });
const closed = (client_id: number, reason = 'Client Closed') => ({
  ...sessionOf(client_id),
  reason,
});
const nameOf = (n: number): InstanceName => ({
  service_id: 'billing',
  instance_id: `billing-${n}`,
});
const meta = { correlation_id: 'c1', causation_id: 'c1', actor: 'test' };

/** A registry with instances that stand on the sessions 0, 1, 2, …, as many as are asked for. */
async function registryOf(instances: number) {
  const store = new MemoryEventStore(new MemoryLog(() => 0), 'registry');
  for (let n = 0; n < instances; n++) {
    const data = { ...nameOf(n), session: sessionOf(n) };
    const events = [{ type: 'InstanceRegistered', data }];
    await store.append({ stream: instanceStream(`billing-${n}`), expected: 0, events, meta });
  }
  const directory = {
    instancesOf: ({ client_id }: { client_id: number }) =>
      client_id < instances ? [nameOf(client_id)] : [],
    sessionCount: instances,
    presentInstances: () => instances,
    isPresent: () => true,
    onRead: (listener: typeof tell) => {
      tell = listener;
      return () => undefined;
    },
  } as unknown as LiveDirectory;
  return { store, directory };
}

/** What the log says of one that ended; without `ending` it said goodbye. */
const ended = (n: number, ending?: Ending, atMs = 0) =>
  ({
    type: 'InstanceTerminating',
    recorded_at: instantOf(atMs),
    data: { ...nameOf(n), reason: 'a reason of its own', ...(ending && { ending }) },
  }) as unknown as Recorded<DirectoryEvent>;

let nowMs: () => number;
let bus: MemoryMessageBus;
/** What was read from the log. */
let tell: (events: readonly Recorded<DirectoryEvent>[]) => void;
let sessions: ClosedSessions;

const begin = (store: EventStore, directory: LiveDirectory) => {
  const settings = { environment: {} } as unknown as HostSettings;
  sessions = new ClosedSessions(directory, store, bus, { now: () => nowMs() }, settings);
  sessions.start();
};
const gone = async (store: EventStore, instances: number) => {
  const ends: number[] = [];
  for (let n = 0; n < instances; n++) {
    const events = await store.load(instanceStream(`billing-${n}`));
    if (events.at(-1)?.type === 'InstanceTerminating') ends.push(n);
  }
  return ends;
};

beforeEach(() => {
  Logger.overrideLogger(false);
  jest.useFakeTimers();
  bus = new MemoryMessageBus();
  const beganAt = performance.now();
  nowMs = () => performance.now() - beganAt;
});
afterEach(() => {
  sessions.stop();
  jest.useRealTimers();
});

it('ends an instance at once, however many other clients have come and gone', async () => {
  const { store, directory } = await registryOf(4);
  begin(store, directory);
  for (let other = 100; other < 200; other++) bus.closeSession(closed(other));
  bus.closeSession(closed(2));
  await jest.advanceTimersByTimeAsync(0);
  expect(await gone(store, 4)).toEqual([2]);
});

it('waits for those that come back when most connections close at once', async () => {
  const { store, directory } = await registryOf(40);
  begin(store, directory);
  for (let n = 0; n < 40; n++) bus.closeSession(closed(n));
  await jest.advanceTimersByTimeAsync(0);
  // Ten of them, before anybody could know that it is many.
  expect(await gone(store, 40)).toHaveLength(10);
  const events = [{ type: 'InstanceSessionMoved', data: nameOf(30) }];
  await store.append({ stream: instanceStream('billing-30'), expected: 1, events, meta });
  await jest.advanceTimersByTimeAsync(3_000);
  const ends = await gone(store, 40);
  expect([ends.length, ends.includes(30)]).toEqual([39, false]);
});

it('believes of connections that the server gave up those of a share only', async () => {
  const { store, directory } = await registryOf(8);
  begin(store, directory);
  for (let n = 0; n < 8; n++) bus.closeSession(closed(n, 'Stale Connection'));
  await jest.advanceTimersByTimeAsync(0);
  expect(await gone(store, 8)).toHaveLength(4);
});

it.each(['Client Closed', 'Read Error', 'Write Error'])(
  'believes all of those whose process is gone: %s',
  async (reason) => {
    const { store, directory } = await registryOf(8);
    begin(store, directory);
    for (let n = 0; n < 8; n++) bus.closeSession(closed(n, reason));
    await jest.advanceTimersByTimeAsync(0);
    expect(await gone(store, 8)).toHaveLength(8);
  },
);

it.each([
  ['that another replica gave up', 'session-closed'],
  ['that were silent', 'heartbeat-expired'],
] as const)('counts those %s in that share', async (_, ending) => {
  const { store, directory } = await registryOf(8);
  begin(store, directory);
  tell([0, 1, 2].map((n) => ended(n, ending)));
  for (let n = 3; n < 8; n++) bus.closeSession(closed(n, 'Stale Connection'));
  await jest.advanceTimersByTimeAsync(0);
  expect(await gone(store, 8)).toEqual([3]);
});

it('does not count those that said goodbye', async () => {
  const { store, directory } = await registryOf(8);
  begin(store, directory);
  tell([ended(0)]);
  for (let n = 1; n < 8; n++) bus.closeSession(closed(n, 'Stale Connection'));
  await jest.advanceTimersByTimeAsync(0);
  expect(await gone(store, 8)).toHaveLength(4);
});

it('counts the last time of one that goes again and again, and nothing that is long ago', async () => {
  const { store, directory } = await registryOf(8);
  begin(store, directory);
  tell([0, 1, 2, 3].map((n) => ended(n, 'session-closed')));
  await jest.advanceTimersByTimeAsync(10_000);
  tell([0, 1, 2, 3].map((n) => ended(n, 'session-closed', 10_000)));
  await jest.advanceTimersByTimeAsync(10_000);
  bus.closeSession(closed(4, 'Stale Connection'));
  await jest.advanceTimersByTimeAsync(0);
  expect(await gone(store, 8)).toEqual([]);
  await jest.advanceTimersByTimeAsync(6_000);
  // Read late: they went when the others did.
  tell([0, 1, 2, 3].map((n) => ended(n, 'session-closed', 10_000)));
  bus.closeSession(closed(5, 'Stale Connection'));
  await jest.advanceTimersByTimeAsync(0);
  expect(await gone(store, 8)).toEqual([5]);
});

it('says nothing of anybody when the server itself goes', async () => {
  const { store, directory } = await registryOf(2);
  begin(store, directory);
  bus.closeSession(closed(0, 'Server Shutdown'));
  await jest.advanceTimersByTimeAsync(60_000);
  expect(await gone(store, 2)).toEqual([]);
});

it('tries again when it could not be recorded', async () => {
  const { store, directory } = await registryOf(2);
  let failures = 2;
  const append = store.append.bind(store);
  jest
    .spyOn(store, 'append')
    .mockImplementation((asked) =>
      failures-- > 0 ? Promise.reject(new Error('no database')) : append(asked),
    );
  begin(store, directory);
  bus.closeSession(closed(1));
  await jest.advanceTimersByTimeAsync(5_000);
  expect(await gone(store, 2)).toEqual([1]);
});
