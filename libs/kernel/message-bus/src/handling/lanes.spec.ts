import { Lanes } from './lanes';

interface Item {
  readonly sequence: number;
  readonly end: (owedMs?: number) => void;
  readonly ended: Promise<number | undefined>;
}

function item(sequence: number): Item {
  let end: Item['end'] = () => undefined;
  const ended = new Promise<number | undefined>((resolve) => {
    end = resolve;
  });
  return { sequence, end: (owedMs) => end(owedMs), ended };
}

/** Lets everything that has been resolved have its effect. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('lanes', () => {
  let now = 0;
  let started: number[] = [];
  beforeEach(() => {
    now = 0;
    started = [];
  });

  const lanesOf = (runningMax: number, blockedMax = 100, onRoom = () => undefined) =>
    new Lanes<Item>({
      runningMax,
      blockedMax,
      run: ({ sequence, ended }) => {
        started.push(sequence);
        return ended;
      },
      onRoom,
      now: () => now,
    });

  it('run one item of a key at a time, in the order of their sequences', async () => {
    const lanes = lanesOf(10);
    const items = [item(1), item(3), item(2)];
    for (const one of items) lanes.add('a', one);
    expect(started).toEqual([1]);
    items[0]?.end();
    await turn();
    expect(started).toEqual([1, 2]);
    expect(lanes.counts).toEqual({ running: 1, waiting: 1 });
  });

  it('run different keys beside each other, up to the bound', async () => {
    const lanes = lanesOf(2);
    const items = [item(1), item(2), item(3)];
    items.forEach((one, at) => lanes.add(`key-${at}`, one));
    expect(started).toEqual([1, 2]);
    expect(lanes.room()).toBe(0);
    items[1]?.end();
    await turn();
    expect(started).toEqual([1, 2, 3]);
  });

  it('say that there is room only after the item has given its place back', async () => {
    let room = -1;
    const lanes = new Lanes<Item>({
      runningMax: 1,
      blockedMax: 10,
      run: ({ ended }) => ended,
      onRoom: () => (room = lanes.room()),
      now: () => now,
    });
    const only = item(1);
    lanes.add('a', only);
    only.end();
    await turn();
    expect(room).toBe(1);
  });

  it('hold later items of a key behind one that comes again, not those of others', async () => {
    const lanes = lanesOf(10);
    const [first, second, other, again] = [item(1), item(2), item(3), item(1)];
    lanes.add('a', first);
    lanes.add('a', second);
    first.end(1_000);
    lanes.add('b', other);
    await turn();
    expect(started).toEqual([1, 3]);
    lanes.add('a', again);
    again.end();
    await turn();
    expect(started).toEqual([1, 3, 1, 2]);
  });

  it('hold them for a bounded time only', async () => {
    const lanes = lanesOf(10);
    const first = item(1);
    lanes.add('a', first);
    lanes.add('a', item(2));
    first.end(1_000);
    await turn();
    now = 999;
    lanes.sweep();
    expect(started).toEqual([1]);
    now = 1_000;
    lanes.sweep();
    expect(started).toEqual([1, 2]);
  });

  it('let an earlier item pass while a later one comes again', async () => {
    const lanes = lanesOf(10);
    const late = item(5);
    lanes.add('a', late);
    late.end(1_000);
    await turn();
    lanes.add('a', item(4));
    expect(started).toEqual([5, 4]);
  });

  it('take a repetition of a waiting item in its place, and none of a running one', () => {
    const lanes = lanesOf(10);
    expect(lanes.add('a', item(1))).toBe(true);
    lanes.add('a', item(2));
    const newer = item(2);
    expect(lanes.add('a', newer)).toBe(false);
    expect(lanes.add('a', item(1))).toBe(false);
    expect(lanes.counts).toEqual({ running: 1, waiting: 1 });
    expect([...lanes.held()]).toContain(newer);
  });

  it('have no room for more blocked items than the bound', () => {
    const lanes = lanesOf(10, 3);
    for (let n = 1; n <= 4; n++) lanes.add('a', item(n));
    expect(lanes.room()).toBe(0);
    expect(lanes.isClogged()).toBe(true);
  });

  it('give up the newest items of keys that stand still, and know that they will come again', async () => {
    const lanes = lanesOf(10, 3);
    const first = item(1);
    lanes.add('a', first);
    for (let n = 2; n <= 4; n++) lanes.add('a', item(n));
    expect(lanes.evict(1_000, 1, 5_000)).toEqual([]);
    now = 1_000;
    expect(lanes.evict(1_000, 1, 5_000).map(({ sequence }) => sequence)).toEqual([3, 4]);
    expect(lanes.isClogged()).toBe(false);

    lanes.add('a', item(5));
    const second = [...lanes.held()].find(({ sequence }) => sequence === 2);
    first.end();
    await turn();
    second?.end();
    await turn();
    expect(started).toEqual([1, 2]);
    lanes.add('a', item(3));
    expect(started).toEqual([1, 2, 3]);
  });

  it('hand back what has not begun, and tell when the rest has ended', async () => {
    const lanes = lanesOf(1);
    const first = item(1);
    lanes.add('a', first);
    lanes.add('a', item(2));
    lanes.add('b', item(3));
    expect(lanes.drain().map(({ sequence }) => sequence)).toEqual([2, 3]);
    let isIdle = false;
    void lanes.idle().then(() => (isIdle = true));
    await turn();
    expect(isIdle).toBe(false);
    first.end();
    await turn();
    expect([isIdle, started]).toEqual([true, [1]]);
  });
});
