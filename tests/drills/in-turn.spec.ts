import { atMost, inTurn } from './in-turn';

describe('cleaning up', () => {
  it('does all of it in its order, and says then what went wrong first', async () => {
    const done: string[] = [];
    const cleaned = inTurn([
      () => done.push('a'),
      () => Promise.reject(new Error('b is broken')),
      async () => done.push('c'),
      () => {
        throw new Error('d is broken');
      },
      () => done.push('e'),
    ]);
    await expect(cleaned).rejects.toThrow('b is broken');
    expect(done).toEqual(['a', 'c', 'e']);
  });

  it('says nothing when all went well', async () => {
    await expect(inTurn([() => undefined])).resolves.toBeUndefined();
  });

  it('waits for what ends, whatever became of it, and not for what does not', async () => {
    let isEnded = false;
    const ends = Promise.resolve().then(() => (isEnded = true));
    await atMost(60_000, [ends, Promise.reject(new Error('broken')), undefined]);
    expect(isEnded).toBe(true);
    await expect(atMost(1, [new Promise(() => undefined)])).resolves.toBeUndefined();
  });
});
