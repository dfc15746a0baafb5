import { instantOf, type Instant } from '@downbeat/eventsourcing';
import fc from 'fast-check';
import {
  HALF_LIFE_MS,
  penaltyAfter,
  SUPPRESSED_MAX_MS,
  suppressedUntil,
  type Penalty,
} from './flap-damping';

const after = (times: readonly number[]): Penalty | undefined =>
  times.reduce<Penalty | undefined>(
    (penalty, ms) => penaltyAfter(penalty, instantOf(ms)),
    undefined,
  );
const msOf = (instant: Instant | undefined) => (instant === undefined ? 0 : Date.parse(instant));

it('forgets half of what it holds in a half-life', () => {
  expect(after([0, HALF_LIFE_MS])?.weight).toBeCloseTo(1.5);
  expect(after([0, 0, 2 * HALF_LIFE_MS])?.weight).toBeCloseTo(1.5);
});

it('takes a clock that went back for one that stood still', () =>
  expect(after([10_000, 0])?.weight).toBe(2));

it('holds back who changes thrice at once, and nobody who does twice', () => {
  expect(suppressedUntil({ weight: 2.49, at: instantOf(0) })).toBeUndefined();
  expect(msOf(suppressedUntil({ weight: 2.5, at: instantOf(0) }))).toBeGreaterThan(HALF_LIFE_MS);
});

it('never holds back for longer than the bound, whatever happened', () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 200_000 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(gaps, (waits) => {
      let now = 0;
      const penalty = after(waits.map((wait) => (now += wait)));
      const until = penalty && suppressedUntil(penalty);
      if (until !== undefined) {
        expect(msOf(until) - now).toBeLessThanOrEqual(SUPPRESSED_MAX_MS);
        expect(msOf(until)).toBeGreaterThan(now);
      }
    }),
  );
});
