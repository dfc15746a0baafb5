import { eventually } from '@downbeat/event-store/testing';
import { SessionLock } from './session-lock';
import { PublishedLog } from './testing/published-log';

describe('a session lock, on real Postgres', () => {
  let log: PublishedLog;
  beforeAll(async () => (log = await PublishedLog.create('lock')));
  afterAll(() => log.stop());

  it('is held by one at a time, and costs its holder nothing', async () => {
    const [mine, other] = [log.pool(), log.pool()];
    const [a, b] = [new SessionLock(mine, 'one'), new SessionLock(other, 'one')];
    expect(await a.acquire()).toBe(true);
    expect(await b.acquire()).toBe(false);
    expect(await a.acquire()).toBe(true);
    expect([a.terms, b.terms, mine.totalCount, other.idleCount]).toEqual([1, 0, 1, 1]);
    await a.release();
    await eventually(async () => expect(await b.acquire()).toBe(true));
    await b.release();
  });

  it('does not stand in the way of another one', async () => {
    const pool = log.pool();
    const locks = ['this', 'that'].map((name) => new SessionLock(pool, name));
    expect(await Promise.all(locks.map((lock) => lock.acquire()))).toEqual([true, true]);
    await Promise.all(locks.map((lock) => lock.release()));
  });

  it('is lost with its connection, noticed, and gained again', async () => {
    const lock = new SessionLock(log.pool(), 'lost');
    const other = new SessionLock(log.pool(), 'lost');
    expect(await lock.acquire()).toBe(true);
    await log.endLockHolder();
    await eventually(async () => expect(await other.acquire()).toBe(true));
    await eventually(async () => expect(await lock.acquire()).toBe(false));
    await other.release();
    await eventually(async () => expect(await lock.acquire()).toBe(true));
    expect(lock.terms).toBe(2);
    await lock.release();
  });

  it('fails loudly when its pool has no connection left, and works when it has', async () => {
    const pool = log.pool(1, 2_000);
    const busy = await pool.connect();
    const lock = new SessionLock(pool, 'poor');
    await expect(lock.acquire()).rejects.toThrow('timeout');
    busy.release();
    expect(await lock.acquire()).toBe(true);
    await lock.release();
  });

  it('may be released twice, and without being held', async () => {
    const lock = new SessionLock(log.pool(), 'free');
    await lock.release();
    await lock.acquire();
    await lock.release();
    await lock.release();
  });
});
