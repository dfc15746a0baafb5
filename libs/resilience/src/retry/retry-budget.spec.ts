import * as fc from 'fast-check';
import { RetryBudget } from './retry-budget';

describe('a retry budget', () => {
  it('is never exceeded: not more than the burst, the share of the calls and the rate', () => {
    const acts = fc.array(
      fc.record({ afterMs: fc.nat(300), calls: fc.nat(5), retries: fc.nat(5), backMs: fc.nat(50) }),
      { maxLength: 150 },
    );
    const options = fc.record({
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      perSecond: fc.double({ min: 0, max: 20, noNaN: true }),
      burst: fc.integer({ min: 1, max: 20 }),
    });
    fc.assert(
      fc.property(options, acts, (one, all) => {
        const budget = new RetryBudget(one);
        let [now, called, retried] = [0, 0, 0];
        for (const { afterMs, calls, retries, backMs } of all) {
          now += afterMs;
          for (let call = 0; call < calls; call++) budget.called();
          called += calls;
          for (let retry = 0; retry < retries; retry++)
            // The clock may be set back for a moment.
            if (budget.tryTake(Math.max(0, now - backMs))) retried++;
          const allowed = one.burst + one.share * called + (one.perSecond * now) / 1_000;
          expect(retried).toBeLessThanOrEqual(allowed + 1e-9);
          expect(budget.left(now)).toBeLessThanOrEqual(one.burst);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('lets a fifth of the calls be made again once the burst is gone', () => {
    const budget = new RetryBudget({ share: 0.2, perSecond: 0, burst: 3 });
    let retried = 0;
    for (let call = 0; call < 1_000; call++) {
      budget.called();
      if (budget.tryTake(0)) retried++;
    }
    // What the first call pays when nothing has been spent yet is more than fits.
    expect(retried).toBe(202);
    expect(budget.refused).toBe(798);
  });

  it('is not changed by asking what is left', () => {
    const budget = new RetryBudget({ share: 0, perSecond: 1, burst: 2 });
    expect([budget.tryTake(0), budget.tryTake(0), budget.tryTake(0)]).toEqual([true, true, false]);
    expect([budget.left(1_000), budget.left(60_000), budget.left(0)]).toEqual([1, 2, 0]);
  });

  it('gives nothing for a time it has given for already, when the clock is set back', () => {
    const budget = new RetryBudget({ share: 0, perSecond: 1, burst: 1 });
    expect([1_000, 1_999, 0, 1_999].map((now) => budget.tryTake(now))).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  it.each([
    { share: -0.1, perSecond: 0, burst: 1 },
    { share: 0, perSecond: -1, burst: 1 },
    { share: 0, perSecond: 0, burst: 0 },
    { share: Number.NaN, perSecond: 0, burst: 1 },
  ])('%j is refused', (options) => expect(() => new RetryBudget(options)).toThrow(RangeError));
});
