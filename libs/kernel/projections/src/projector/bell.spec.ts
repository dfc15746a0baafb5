import { Bell } from './bell';
import { Waiters } from './waiters';

const LONG_MS = 60_000;

describe('a bell', () => {
  it('ends a wait, and a ring that came before it does too, once', async () => {
    const bell = new Bell();
    const waiting = bell.wait('news', LONG_MS);
    bell.ring('news');
    await waiting;
    bell.ring('news');
    await bell.wait('news', LONG_MS);
    expect(await isPending(bell.wait('news', 30))).toBe(true);
  });

  it('is not heard by who waits for something louder, and is kept for later', async () => {
    const bell = new Bell();
    const resting = bell.wait('urgent', 30);
    bell.ring('news');
    expect(await isPending(resting)).toBe(true);
    await resting;
    await bell.wait('news', LONG_MS);
  });

  it('is heard by everyone when it is loud', async () => {
    const bell = new Bell();
    const resting = bell.wait('urgent', LONG_MS);
    bell.ring('stop');
    await resting;
  });
});

describe('waiters', () => {
  it('go when their condition holds, not before', async () => {
    const waiters = new Waiters(10);
    let reached = 1;
    const first = waiters.until(() => reached >= 2, LONG_MS);
    const second = waiters.until(() => reached >= 3, LONG_MS);
    reached = 2;
    waiters.check();
    expect(await first).toBe(true);
    expect(await isPending(second)).toBe(true);
    waiters.close();
    expect(await second).toBe(false);
    expect(waiters.count).toBe(0);
  });

  it('do not wait for what holds, nor longer than they may, nor in too great a number', async () => {
    const waiters = new Waiters(1);
    expect(await waiters.until(() => true, LONG_MS)).toBe(true);
    expect(await waiters.until(() => false, 5)).toBe(false);
    const only = waiters.until(() => false, LONG_MS);
    expect(await waiters.until(() => false, LONG_MS)).toBe(false);
    waiters.close();
    expect(await only).toBe(false);
  });
});

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending');
  const turn = new Promise((resolve) => setImmediate(() => resolve(pending)));
  return (await Promise.race([promise, turn])) === pending;
}
