import { RequestAborted } from './body';
import { Turns } from './turns';

const there = (): boolean => false;

/** Work that ends when it is told to. */
function work() {
  let end: () => void = () => undefined;
  let begin: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const run = async (): Promise<void> => {
    begin();
    await ended;
  };
  return { run, begun, end };
}

describe('turns', () => {
  it('are taken one after the other, also after one that failed', async () => {
    const turns = new Turns();
    const first = work();
    const done: string[] = [];
    const taking = turns.take(there, async () => {
      await first.run();
      done.push('first');
      throw new Error('broken');
    });
    const second = turns.take(there, () => Promise.resolve(done.push('second')));
    await first.begun;
    expect(done).toEqual([]);
    first.end();
    await expect(taking).rejects.toThrow('broken');
    await second;
    expect(done).toEqual(['first', 'second']);
  });

  it('are waited for by so many, and by others again later', async () => {
    const turns = new Turns(1);
    const first = work();
    const taking = turns.take(there, first.run);
    const second = turns.take(there, () => Promise.resolve('second'));
    await expect(turns.take(there, () => Promise.resolve('third'))).rejects.toMatchObject({
      status: 429,
      retryAfterSeconds: 1,
    });
    first.end();
    await taking;
    expect(await second).toBe('second');
    expect(await turns.take(there, () => Promise.resolve('fourth'))).toBe('fourth');
  });

  it('are passed over for those who went away while they waited', async () => {
    const turns = new Turns();
    const first = work();
    const taking = turns.take(there, first.run);
    let isGone = false;
    const done: string[] = [];
    const second = turns.take(
      () => isGone,
      () => Promise.resolve(done.push('second')),
    );
    const third = turns.take(there, () => Promise.resolve(done.push('third')));
    await first.begun;
    isGone = true;
    first.end();
    await expect(second).rejects.toBeInstanceOf(RequestAborted);
    await Promise.all([taking, third]);
    expect(done).toEqual(['third']);
  });

  it('leave time for bodies that still come', async () => {
    const turns = new Turns();
    let rounds = 0;
    let isOver = false;
    const count = (): void => {
      rounds++;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    try {
      const first = turns.take(there, () => Promise.resolve(rounds));
      const second = turns.take(there, () => Promise.resolve(rounds));
      expect((await second) - (await first)).toBeGreaterThanOrEqual(16);
    } finally {
      isOver = true;
    }
  });
});
