import { AskingRoom } from './asking-room';

/** Longer than any test. */
const LONG_MS = 600_000;
const wanted = (): boolean => true;

describe('a room for questions', () => {
  /** Takes the only place, until it is told to go. */
  const occupied = (crowd: number, waitMs = LONG_MS) => {
    const room = new AskingRoom(1, crowd, waitMs);
    let go: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => (go = resolve));
    return { room, go, first: room.enter(wanted, () => gone) };
  };

  it('lets those wait for whom there is no place, in their order', async () => {
    const { room, go, first } = occupied(10);
    const done: number[] = [];
    const others = [1, 2, 3].map((number) =>
      room.enter(wanted, () => Promise.resolve(done.push(number))),
    );
    expect([room.waitingCount, done]).toEqual([3, []]);
    go();
    await Promise.all([first, ...others]);
    expect(done).toEqual([1, 2, 3]);
  });

  it('asks nothing that nobody wants to know any more', async () => {
    const { room, go } = occupied(10);
    let isThere = true;
    const asked: string[] = [];
    const left = room.enter(
      () => isThere,
      () => Promise.resolve(asked.push('left')),
    );
    const stayed = room.enter(wanted, () => Promise.resolve(asked.push('stayed')));
    isThere = false;
    go();
    expect(await left).toBeUndefined();
    await stayed;
    expect(asked).toEqual(['stayed']);
  });

  it('does not fill with what nobody wants to know', async () => {
    const { room, go } = occupied(3);
    const stayed = room.enter(wanted, () => Promise.resolve('stayed'));
    for (let client = 0; client < 1_000; client++) {
      let isThere = true;
      void room.enter(
        () => isThere,
        () => Promise.resolve(),
      );
      isThere = false;
      expect(room.waitingCount).toBeLessThanOrEqual(3);
    }
    go();
    expect(await stayed).toBe('stayed');
  });

  it('lets nobody wait for ever', async () => {
    const { room, go, first } = occupied(10, 20);
    const asked: string[] = [];
    const late = room.enter(wanted, () => Promise.resolve(asked.push('late')));
    expect(await late).toBeUndefined();
    expect(room.waitingCount).toBe(0);
    go();
    await first;
    expect(await room.enter(wanted, () => Promise.resolve('next'))).toBe('next');
    expect(asked).toEqual([]);
  });

  it('has its place again when work failed', async () => {
    const room = new AskingRoom(1, 1, LONG_MS);
    await expect(room.enter(wanted, () => Promise.reject(new Error('broken')))).rejects.toThrow();
    expect(await room.enter(wanted, () => Promise.resolve('next'))).toBe('next');
  });
});
