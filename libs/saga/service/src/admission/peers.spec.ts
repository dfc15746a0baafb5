import { MemoryMessageBus } from '@downbeat/message-bus/testing';
import { Admission } from './admission';
import { Peers } from './peers';

beforeEach(() => jest.useFakeTimers());
afterEach(async () => {
  await Promise.all(started.splice(0).map((peers) => peers.stop()));
  jest.useRealTimers();
});

const started: Peers[] = [];
/** By process: how many new runs it takes. */
const rooms: Record<string, number> = {};
let bus: MemoryMessageBus;
beforeEach(() => (bus = new MemoryMessageBus()));

const startedPeers = (process: string, followed: number) => {
  const admission = new Admission({ chance: () => 0.5, now: () => performance.now() });
  const counts: number[] = [];
  const peers = new Peers(
    process,
    admission,
    bus,
    () => followed,
    () => rooms[process] ?? 0,
    (count) => counts.push(count),
  );
  peers.start();
  started.push(peers);
  return { peers, counts };
};
const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

describe('replicas in front of the same targets', () => {
  it('hear each other, and what all of them follow is what the slowest follows', async () => {
    const { peers: one } = startedPeers('one', 7);
    const { peers: two } = startedPeers('two', 5);
    await pass(2_000);
    expect([one, two].map((peers) => [peers.count, peers.followedByAll()])).toEqual([
      [2, 5],
      [2, 5],
    ]);
  });

  it('answer a new one at once, and it does not speak for all before it can have heard them', async () => {
    startedPeers('one', 5);
    await pass(2_100);
    const { peers: two } = startedPeers('two', 7);
    expect(two.followedByAll()).toBe(0);
    await pass(10);
    expect(two.count).toBe(2);
    await pass(1_000);
    expect(two.followedByAll()).toBe(5);
  });

  it('count one as gone that falls silent', async () => {
    const { peers: one, counts } = startedPeers('one', 7);
    const { peers: two } = startedPeers('two', 5);
    await pass(2_000);
    await two.stop();
    await pass(2_500);
    expect(one.count).toBe(2);
    await pass(1_500);
    expect(one.count).toBe(1);
    expect(counts).toEqual([2, 1]);
  });

  it('know who has room for a new run, and do not all send theirs to the same', async () => {
    Object.assign(rooms, { one: 0, two: 1, three: 2 });
    const { peers: one } = startedPeers('one', 7);
    startedPeers('two', 7);
    const { peers: three } = startedPeers('three', 7);
    await pass(600);
    expect(Array.from({ length: 4 }, () => one.takeRoom())).toEqual(
      expect.arrayContaining(['three', 'two', undefined]),
    );
    expect(one.takeRoom()).toBeUndefined();
    await pass(500);
    await three.stop();
    await pass(1_500);
    // What it said is old by now.
    expect([one.takeRoom(), one.takeRoom()]).toEqual(['two', undefined]);
  });

  it('do not take their own sleep for the silence of others', async () => {
    const { peers: one, counts } = startedPeers('one', 7);
    startedPeers('two', 5);
    await pass(2_000);
    const now = performance.now();
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => now + 60_000);
    await pass(600);
    clock.mockRestore();
    expect(one.count).toBe(2);
    expect(counts).toEqual([2]);
  });
});
