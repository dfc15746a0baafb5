import * as fc from 'fast-check';
import { HEDGE_POLICY } from './hedge-policy';
import { Hedging } from './hedging';
import { LatencyQuantile } from './latency-quantile';

describe('a latency quantile', () => {
  it('is right to a bucket, and never below what was seen', () => {
    const latencies = fc.array(fc.double({ min: 0.001, max: 60_000, noNaN: true }), {
      minLength: 20,
      maxLength: 900,
      size: 'max',
    });
    const shares = fc.constantFrom(0.5, 0.9, 0.95, 0.99);
    fc.assert(
      fc.property(latencies, shares, (all, share) => {
        const quantile = new LatencyQuantile();
        for (const ms of all) quantile.saw(ms);
        const sorted = [...all].sort((one, other) => one - other);
        const exactMs = sorted[Math.ceil(all.length * share) - 1] ?? 0;
        const ms = quantile.at(share) ?? 0;
        expect(ms).toBeGreaterThanOrEqual(exactMs * (1 - 1e-9));
        expect(ms).toBeLessThanOrEqual(exactMs * 2 ** 0.25 * (1 + 1e-9));
      }),
    );
  });

  it('is not known at first, and forgets what was long ago', () => {
    const quantile = new LatencyQuantile();
    for (let call = 0; call < 19; call++) quantile.saw(100);
    expect(quantile.at(0.95)).toBeUndefined();
    quantile.saw(100);
    expect(quantile.at(0.95)).toBeGreaterThanOrEqual(100);
    for (let call = 0; call < 3_000; call++) quantile.saw(1);
    expect(quantile.at(0.95)).toBeLessThan(1.2);
  });
});

describe('hedging', () => {
  it('begins when most answers had come, within its bounds, or when it is told', () => {
    const delay = { kind: 'quantile', share: 0.95, minMs: 5, maxMs: 20 } as const;
    const hedging = new Hedging({ ...HEDGE_POLICY, delay });
    expect(hedging.delayMs('policy')).toBeUndefined();
    expect(hedging.delayMs({ kind: 'fixed', ms: 3 })).toBe(3);
    for (let call = 0; call < 20; call++) hedging.saw(10);
    expect(hedging.delayMs('policy')).toBeCloseTo(10, -1);
    for (let call = 0; call < 2_000; call++) hedging.saw(1);
    expect(hedging.delayMs('policy')).toBe(5);
    for (let call = 0; call < 2_000; call++) hedging.saw(100);
    expect(hedging.delayMs('policy')).toBe(20);
  });

  it('never costs more than its budget', () => {
    const acts = fc.array(fc.boolean(), { maxLength: 500, size: 'max' });
    const shares = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(acts, shares, fc.integer({ min: 1, max: 10 }), (all, share, burst) => {
        const hedging = new Hedging({ ...HEDGE_POLICY, share, burst });
        let [calls, hedges] = [0, 0];
        all.forEach((isCall, nowMs) => {
          const isThere = hedging.hasBudget(nowMs * 1_000);
          if (isCall) {
            hedging.called();
            calls++;
          } else if (hedging.tryTake(nowMs * 1_000)) {
            expect(isThere).toBe(true);
            hedges++;
          }
          expect(hedges).toBeLessThanOrEqual(burst + share * calls + 1e-9);
        });
      }),
    );
  });

  it.each([
    { kind: 'quantile' as const, share: 1, minMs: 0, maxMs: 1 },
    { kind: 'quantile' as const, share: 0.5, minMs: 2, maxMs: 1 },
    { kind: 'fixed' as const, ms: Number.NaN },
  ])('%j is refused', (delay) =>
    expect(() => new Hedging({ ...HEDGE_POLICY, delay })).toThrow(RangeError),
  );
});
