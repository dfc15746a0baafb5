import * as fc from 'fast-check';
import { BREAKER_POLICY, CircuitBreaker } from './circuit-breaker';

const policy = { ...BREAKER_POLICY, callsMin: 4, openMs: 1_000, cohortMax: 4 };
/** Opens for exactly `openMs`, and pauses half of what it may. */
const chance = () => 0.5;

const closed = () => new CircuitBreaker(policy, chance);
function call(breaker: CircuitBreaker, isGood: boolean, nowMs: number): void {
  breaker.came(breaker.take(), isGood, nowMs);
}
function opened(): CircuitBreaker {
  const breaker = closed();
  for (let calls = 0; calls < 4; calls++) call(breaker, false, 0);
  return breaker;
}
/** Lets a cohort go, and come back well. */
function cohort(breaker: CircuitBreaker, size: number, nowMs: number): void {
  const permits = Array.from({ length: size }, () => {
    expect(breaker.waitMs(nowMs)).toBe(0);
    return breaker.take();
  });
  expect(breaker.waitMs(nowMs)).toBeUndefined();
  for (const permit of permits) breaker.came(permit, true, nowMs);
}

describe('a circuit breaker', () => {
  it('opens when half of enough calls failed', () => {
    const breaker = closed();
    for (const isGood of [true, false, false]) call(breaker, isGood, 0);
    expect(breaker.name).toBe('closed');
    call(breaker, true, 0);
    expect([breaker.name, breaker.waitMs(0)]).toEqual(['open', 1_000]);
  });

  it('forgets what is long ago', () => {
    const breaker = closed();
    for (let calls = 0; calls < 3; calls++) call(breaker, false, 0);
    call(breaker, false, policy.windowMs + 1_000);
    expect(breaker.name).toBe('closed');
  });

  it('believes what others saw', () => {
    const breaker = closed();
    breaker.hear(100, 60, 0);
    expect(breaker.name).toBe('open');
  });

  it('tries growing cohorts, each after the one before, and closes after the largest', () => {
    const breaker = opened();
    cohort(breaker, 1, 1_000);
    expect(breaker.waitMs(1_000)).toBe(250);
    cohort(breaker, 2, 1_250);
    cohort(breaker, 4, 1_500);
    expect(breaker.name).toBe('closed');
  });

  it('stays open longer each time a trial fails, up to a bound', () => {
    const breaker = opened();
    let now = 0;
    const waits: number[] = [];
    for (let trial = 0; trial < 8; trial++) {
      const waitMs = breaker.waitMs(now) ?? 0;
      waits.push(waitMs);
      now += waitMs;
      breaker.waitMs(now);
      call(breaker, false, now);
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
  });

  it('is not moved by calls from before it opened', () => {
    const breaker = closed();
    const early = breaker.take();
    for (let calls = 0; calls < 4; calls++) call(breaker, false, 0);
    expect(breaker.waitMs(1_000)).toBe(0);
    breaker.came(early, false, 1_000);
    expect(breaker.name).toBe('half-open');
  });

  it('takes a permit back that was not used', () => {
    const breaker = opened();
    expect(breaker.waitMs(1_000)).toBe(0);
    const permit = breaker.take();
    expect(breaker.waitMs(1_000)).toBeUndefined();
    breaker.giveBack(permit);
    expect(breaker.waitMs(1_000)).toBe(0);
  });

  it('lets nobody pass while it is open, and no more than its cohort while it tries', () => {
    const actions = fc.array(
      fc.record({ afterMs: fc.nat(700), isGood: fc.boolean(), isAnswered: fc.boolean() }),
      { maxLength: 300 },
    );
    fc.assert(
      fc.property(actions, (all) => {
        const breaker = closed();
        let now = 0;
        let trials = 0;
        for (const { afterMs, isGood, isAnswered } of all) {
          now += afterMs;
          const before = breaker.name;
          const waitMs = breaker.waitMs(now);
          if (before !== breaker.name) trials = 0;
          if (waitMs !== 0) continue;
          expect(breaker.name).not.toBe('open');
          const permit = breaker.take();
          trials = breaker.name === 'half-open' ? trials + 1 : 0;
          expect(trials).toBeLessThanOrEqual(1 + 2 + 4);
          if (isAnswered) breaker.came(permit, isGood, now);
        }
      }),
    );
  });
});
