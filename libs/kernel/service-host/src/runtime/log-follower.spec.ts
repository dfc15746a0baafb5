import { appendOf, freshStream, MemoryEventStore, MemoryLog } from '@downbeat/event-store/testing';
import { Logger } from '@nestjs/common';
import { LogFollower } from './log-follower';

describe('a follower of the log', () => {
  let store: MemoryEventStore;
  let seen: number[];
  let follower: LogFollower<never>;
  let foreign: MemoryEventStore;
  beforeEach(() => {
    // What is shown while the clock stands still came by a hint, not by the next look.
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    Logger.overrideLogger(false);
    const log = new MemoryLog();
    store = new MemoryEventStore(log, 'registry');
    foreign = new MemoryEventStore(log, 'health');
    seen = [];
  });
  afterEach(async () => {
    await follower.stop();
    jest.useRealTimers();
  });

  const follow = (after = 0, listener = (position: number): void => void seen.push(position)) => {
    follower = new LogFollower<never>(store, after, (events) => {
      for (const event of events as readonly { position: number }[]) listener(event.position);
    });
    follower.start();
  };
  const append = () => store.append(appendOf(freshStream(), 0));
  /** Lets everything have its turn that waits for no clock. */
  const turns = async () => {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  const shows = async (positions: readonly number[]) => {
    await turns();
    expect(seen).toEqual(positions);
  };

  it('shows what is there, and what comes', async () => {
    await append();
    await append();
    follow(1);
    await shows([2]);
    await append();
    await shows([2, 3]);
  });

  it('does not wait for its next look when something came while it was reading', async () => {
    let open: () => void = () => undefined;
    const door = new Promise<void>((resolve) => (open = resolve));
    const read = store.read.bind(store);
    jest.spyOn(store, 'read').mockImplementationOnce(async (after, limit) => {
      const slice = await read(after, limit);
      await door;
      return slice as never;
    });
    follow();
    await append();
    open();
    await shows([1]);
  });

  it('reads once for what came, and rests while only others append', async () => {
    const read = jest.spyOn(store, 'read');
    follow();
    await turns();
    expect(read).toHaveBeenCalledTimes(1);
    await append();
    await shows([1]);
    for (let n = 0; n < 5; n++) await foreign.append(appendOf(freshStream(), 0));
    await append();
    await shows([1, 7]);
    expect(read).toHaveBeenCalledTimes(3);
  });

  it('reads on at once while slices are full', async () => {
    for (let n = 0; n < 2; n++)
      await foreign.append(
        appendOf(
          freshStream(),
          0,
          Array.from({ length: 1_000 }, () => n),
        ),
      );
    await append();
    follow();
    await shows([2_001]);
  });

  it('goes on after the log could not be read', async () => {
    jest.spyOn(store, 'read').mockRejectedValueOnce(new Error('no database'));
    follow();
    await append();
    await shows([]);
    await jest.advanceTimersByTimeAsync(500);
    await shows([1]);
  });

  it('stops at once, also while it waits', async () => {
    follow();
    await append();
    await shows([1]);
    await follower.stop();
    await append();
    await shows([1]);
  });
});
