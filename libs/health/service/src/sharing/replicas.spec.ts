import type { ContextPool } from '@downbeat/service-host';
import { Logger } from '@nestjs/common';
import { Replicas } from './replicas';

Logger.overrideLogger(false);

describe('a replica among others', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  const begin = () => {
    let others: readonly string[] = [];
    let isDown = false;
    const asked: string[] = [];
    const query = (text: string) => {
      asked.push(text);
      if (isDown) return Promise.reject(new Error('no connection'));
      return Promise.resolve({ rows: others.map((replica_id) => ({ replica_id })) });
    };
    const replicas = new Replicas({ query } as unknown as ContextPool);
    const changes = jest.fn();
    replicas.start(changes);
    return {
      replicas,
      changes,
      asked,
      see: (names: readonly string[]) => (others = names),
      lose: () => (isDown = true),
      find: () => (isDown = false),
      share: () => Array.from({ length: 100 }, (_, n) => `i-${n}`).filter((n) => replicas.owns(n)),
    };
  };

  it('has everything while it is alone, and nothing before it has told so', async () => {
    const { replicas, changes, share } = begin();
    expect(share()).toHaveLength(0);
    await jest.advanceTimersByTimeAsync(10);
    expect(share()).toHaveLength(100);
    expect(replicas.alive).toEqual([replicas.id]);
    await jest.advanceTimersByTimeAsync(5_000);
    expect(changes).toHaveBeenCalledTimes(1);
  });

  it('gives up what another one has, and takes it back', async () => {
    const { changes, see, share } = begin();
    await jest.advanceTimersByTimeAsync(10);
    see(['another']);
    await jest.advanceTimersByTimeAsync(500);
    expect(share().length).toBeGreaterThan(20);
    expect(share().length).toBeLessThan(80);
    see([]);
    await jest.advanceTimersByTimeAsync(500);
    expect(share()).toHaveLength(100);
    expect(changes).toHaveBeenCalledTimes(3);
  });

  it('has nothing any more by the time the others take it for dead, and all when it is back', async () => {
    const { changes, lose, find, share } = begin();
    await jest.advanceTimersByTimeAsync(10);
    lose();
    await jest.advanceTimersByTimeAsync(1_500);
    expect(share()).toHaveLength(100);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(share()).toHaveLength(0);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(changes).toHaveBeenCalledTimes(2);
    find();
    await jest.advanceTimersByTimeAsync(500);
    expect(share()).toHaveLength(100);
    expect(changes).toHaveBeenCalledTimes(3);
  });

  it('says goodbye, and has nothing from then on', async () => {
    const { replicas, asked, share } = begin();
    await jest.advanceTimersByTimeAsync(10);
    await replicas.stop();
    expect(share()).toHaveLength(0);
    expect(asked.at(-1)).toContain('delete from check_replica');
  });
});
