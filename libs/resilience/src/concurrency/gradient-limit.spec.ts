import * as fc from 'fast-check';
import { GRADIENT_POLICY, GradientLimit, type GradientPolicy } from './gradient-limit';

const policy: GradientPolicy = { ...GRADIENT_POLICY, initial: 20, min: 4, max: 100 };

/** So many windows in which everything took so long, with as much under way as may be. */
function windows(limit: GradientLimit, count: number, tookMs: number, from: { nowMs: number }) {
  for (let window = 0; window < count; window++) {
    from.nowMs += policy.windowMs;
    for (let answer = 0; answer < policy.answersMin; answer++)
      limit.answered(tookMs, limit.current, from.nowMs);
  }
}

describe('a gradient limit', () => {
  it('grows to its greatest while latency is as usual', () => {
    const limit = new GradientLimit(policy);
    windows(limit, 200, 10, { nowMs: 0 });
    expect(limit.current).toBe(100);
  });

  it('falls when latency doubles, and recovers when that is over', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.1, max: 5_000, noNaN: true }), (usualMs) => {
        const limit = new GradientLimit(policy);
        const clock = { nowMs: 0 };
        windows(limit, 300, usualMs, clock);
        expect(limit.current).toBe(100);
        windows(limit, 20, 2 * usualMs, clock);
        expect(limit.current).toBeLessThan(60);
        windows(limit, 150, usualMs, clock);
        expect(limit.current).toBe(100);
      }),
      { numRuns: 20 },
    );
  });

  it('is not moved by a latency within its tolerance', () => {
    const limit = new GradientLimit(policy);
    const clock = { nowMs: 0 };
    windows(limit, 300, 10, clock);
    windows(limit, 20, 14, clock);
    expect(limit.current).toBe(100);
  });

  it('does not grow on the word of those who have not come near it', () => {
    const limit = new GradientLimit(policy);
    for (let nowMs = 0; nowMs < 100_000; nowMs += 50) limit.answered(10, 3, nowMs);
    expect(limit.current).toBe(20);
  });

  it('falls when calls are dropped, once for each window', () => {
    const limit = new GradientLimit(policy);
    for (let call = 0; call < 100; call++) limit.dropped(20, 0);
    expect(limit.current).toBe(18);
    for (let window = 1; window < 50; window++) limit.dropped(20, window * policy.windowMs);
    expect(limit.current).toBe(4);
  });

  it('comes to think of a lasting latency as usual, and forgets a bad time sooner', () => {
    const limit = new GradientLimit(policy);
    const clock = { nowMs: 0 };
    windows(limit, 600, 10, clock);
    windows(limit, 3_000, 100, clock);
    expect(limit.usual).toBeGreaterThan(95);
    windows(limit, 60, 10, clock);
    expect(limit.usual).toBeLessThan(25);
  });

  it('lies within its bounds, whatever happens', () => {
    const policies = fc
      .tuple(fc.integer({ min: 1, max: 50 }), fc.nat(50), fc.nat(50), fc.nat(10))
      .map(([min, toInitial, toMax, headroom]) => ({
        ...policy,
        min,
        initial: min + toInitial,
        max: min + toInitial + toMax,
        headroom,
        answersMin: 1,
      }));
    const answers = fc.array(
      fc.record({
        tookMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
        underWay: fc.nat(200),
        isDropped: fc.boolean(),
        afterMs: fc.nat(500),
      }),
      { maxLength: 200, size: 'max' },
    );
    fc.assert(
      fc.property(policies, answers, (one, all) => {
        const limit = new GradientLimit(one);
        let nowMs = 0;
        for (const { tookMs, underWay, isDropped, afterMs } of all) {
          nowMs += afterMs;
          if (isDropped) limit.dropped(underWay, nowMs);
          else limit.answered(tookMs, underWay, nowMs);
          expect(limit.current).toBeGreaterThanOrEqual(one.min);
          expect(limit.current).toBeLessThanOrEqual(one.max);
        }
      }),
    );
  });

  it.each([
    { min: 0 },
    { initial: 3 },
    { max: 19 },
    { tolerance: 0.9 },
    { smoothing: 0 },
    { backoff: 1 },
    { answersMin: 0 },
    { usualWindows: Number.NaN },
  ])('%j is refused', (more) =>
    expect(() => new GradientLimit({ ...policy, ...more })).toThrow(RangeError),
  );
});
