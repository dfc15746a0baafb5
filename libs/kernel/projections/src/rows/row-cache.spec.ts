import { RowCache } from './row-cache';

const row = (id: number) => ({ id: `${id}` });

describe('the rows kept while a version is built', () => {
  it('know every row as long as all fit', () => {
    const cache = new RowCache(2, 100, true);
    cache.set(0, 'a', row(1), 40);
    cache.set(1, 'a', row(2), 40);
    expect([cache.get(0, 'a'), cache.get(1, 'a'), cache.get(0, 'b')]).toEqual([
      row(1),
      row(2),
      undefined,
    ]);
    expect(cache.isComplete).toBe(true);
    cache.delete(0, 'a');
    cache.set(0, 'b', row(3), 40);
    expect(cache.isComplete).toBe(true);
    expect(cache.size).toBe(80);
  });

  it('count a row once, however often it is written', () => {
    const cache = new RowCache(1, 100, true);
    for (let time = 0; time < 10; time++) cache.set(0, 'a', row(time), 30);
    expect(cache.size).toBe(30);
    expect(cache.isComplete).toBe(true);
  });

  it('drop the ones written longest ago, and know that they do not know all', () => {
    const cache = new RowCache(1, 100, true);
    for (const key of [1, 2, 3, 4]) cache.set(0, `${key}`, row(key), 25);
    cache.set(0, '1', row(1), 25);
    cache.set(0, '5', row(5), 25);
    expect(cache.isComplete).toBe(false);
    expect(cache.size).toBeLessThanOrEqual(75);
    expect(cache.get(0, '2')).toBeUndefined();
    expect(cache.get(0, '1')).toEqual(row(1));
    expect(cache.get(0, '5')).toEqual(row(5));
  });

  it('can hold nothing that is larger than their bound', () => {
    const cache = new RowCache(1, 100, true);
    cache.set(0, 'a', row(1), 1_000);
    expect(cache.get(0, 'a')).toBeUndefined();
    expect(cache.isComplete).toBe(false);
  });

  it('do not know all when the tables had rows before, or after forgetting', () => {
    expect(new RowCache(1, 100, false).isComplete).toBe(false);
    const cache = new RowCache(1, 100, true);
    cache.set(0, 'a', row(1), 10);
    cache.clear();
    expect([cache.isComplete, cache.size, cache.get(0, 'a')]).toEqual([false, 0, undefined]);
  });
});
