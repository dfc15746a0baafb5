import { inTurn } from './in-turn';

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
});
