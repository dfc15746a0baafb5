import * as fc from 'fast-check';
import { Deadline } from '../deadline/deadline';
import { runBatch } from './batch';
import { Retried } from './retried';
import { Retrier } from './retrier';
import { RetryBudget } from './retry-budget';
import { RETRY_POLICY, type RetryPolicy } from './retry-policy';

const busy = Object.assign(new Error('busy'), { status: 503 });
const refused = Object.assign(new Error('no'), { status: 400 });

/** A clock that only waiting moves; each wait is late by as much as is said. */
function retrierOf(more: Partial<RetryPolicy> = {}, budget?: RetryBudget, lateMs = 0) {
  let now = 0;
  const policy: RetryPolicy = { ...RETRY_POLICY, jitter: 'none', ...more };
  const ports = {
    now: () => now,
    chance: () => 0.5,
    wait: (ms: number) => {
      now += ms + lateMs;
      return Promise.resolve();
    },
  };
  return { retrier: new Retrier(policy, ports, budget), ports, spend: (ms: number) => (now += ms) };
}

describe('a retrier', () => {
  it('tries again until it works', async () => {
    const { retrier, ports } = retrierOf();
    const operation = (attempt: number) =>
      attempt < 3 ? Promise.reject(busy) : Promise.resolve(attempt);
    await expect(retrier.run(operation)).resolves.toBe(3);
    expect(ports.now()).toBe(100 + 200);
  });

  it('throws what the last attempt threw', async () => {
    const { retrier } = retrierOf();
    const operation = jest.fn((attempt: number) => Promise.reject(attempt === 1 ? busy : refused));
    await expect(retrier.run(operation)).rejects.toBe(refused);
    expect(operation).toHaveBeenCalledTimes(2);
  });

  it('begins no retry when the wait was late and what is left does not suffice', async () => {
    const { retrier } = retrierOf({ attemptMinMs: 50 }, undefined, 60);
    const operation = jest.fn(() => Promise.reject(busy));
    await expect(retrier.run(operation, { deadline: Deadline.at(200) })).rejects.toBe(busy);
    expect(operation).toHaveBeenCalledTimes(1);
  });

  it('begins no attempt after the first with less time left than an attempt needs', async () => {
    const spent = fc.array(fc.nat(400), { minLength: 8, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(
        spent,
        fc.nat(3_000),
        fc.nat(300),
        fc.nat(80),
        async (times, ms, min, late) => {
          const made = retrierOf({ attemptsMax: 8, attemptMinMs: min }, undefined, late);
          const deadline = Deadline.at(ms);
          let attempts = 0;
          const operation = (attempt: number) => {
            attempts++;
            if (attempt > 1) expect(deadline.suffices(min, made.ports.now())).toBe(true);
            made.spend(times[attempt - 1] ?? 0);
            return Promise.reject(busy);
          };
          await expect(made.retrier.run(operation, { deadline })).rejects.toBe(busy);
          expect(attempts).toBeLessThanOrEqual(8);
        },
      ),
    );
  });
});

describe('a batch', () => {
  it('does each item, again those that failed, and tells of all in their order', async () => {
    const { retrier } = retrierOf();
    const operation = (item: string, attempt: number) => {
      if (item === 'never') return Promise.reject(refused);
      return item === 'later' && attempt === 1
        ? Promise.reject(busy)
        : Promise.resolve(`${item} ${attempt}`);
    };
    await expect(runBatch(retrier, ['now', 'never', 'later'], operation)).resolves.toEqual([
      { isDone: true, result: 'now 1' },
      { isDone: false, failure: refused },
      { isDone: true, result: 'later 2' },
    ]);
  });

  it('has no more under way than it may, and all of it on one budget', async () => {
    const budget = new RetryBudget({ share: 0, perSecond: 0, burst: 3 });
    const { retrier } = retrierOf({ attemptsMax: 9 }, budget);
    let [underWay, most, attempts] = [0, 0, 0];
    const operation = async () => {
      attempts++;
      most = Math.max(most, ++underWay);
      await Promise.resolve();
      underWay--;
      throw busy;
    };
    const outcomes = await runBatch(retrier, Array(20).fill(0), operation, { concurrencyMax: 4 });
    expect([outcomes.length, most, attempts]).toEqual([20, 4, 20 + 3]);
    expect(outcomes.every(({ isDone }) => !isDone)).toBe(true);
  });

  it('of nothing is nothing', async () => {
    await expect(runBatch(retrierOf().retrier, [], () => Promise.resolve())).resolves.toEqual([]);
    await expect(
      runBatch(retrierOf().retrier, [1], () => Promise.resolve(), { concurrencyMax: 0 }),
    ).rejects.toThrow(RangeError);
  });
});

describe('a decorated method', () => {
  class Stock {
    attempts = 0;
    readonly retrier = retrierOf().retrier;

    @Retried((stock: Stock) => stock.retrier)
    async find(id: string): Promise<string> {
      if (++this.attempts < 3) throw busy;
      return Promise.resolve(`${id} after ${this.attempts}`);
    }

    @Retried((stock: Stock) => stock.retrier, (_: string, deadline: Deadline) => ({ deadline }))
    async order(_: string, deadline: Deadline): Promise<never> {
      this.attempts++;
      return Promise.reject(Object.assign(busy, { deadline }));
    }
  }

  it('is called again on the same object with the same arguments', async () => {
    await expect(new Stock().find('a')).resolves.toBe('a after 3');
  });

  it('takes its deadline from its arguments', async () => {
    const stock = new Stock();
    await expect(stock.order('a', Deadline.at(50))).rejects.toBe(busy);
    expect(stock.attempts).toBe(1);
  });
});
