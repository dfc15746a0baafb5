import { BREAKER_POLICY, type BreakerPolicy, type Release, type TripRule } from './breaker-policy';
import { CircuitBreaker } from './circuit-breaker';
import type { Transition } from './transition';

/** Opens for exactly `firstMs`, and pauses half of what it may. */
const chance = () => 0.5;
const halfOfFour: TripRule = {
  kind: 'time-window',
  windowMs: 10_000,
  callsMin: 4,
  failureShare: 0.5,
};
const open = { firstMs: 1_000, factor: 2, maxMs: 60_000, jitterShare: 0.25 };
const cohorts: BreakerPolicy = {
  trips: [halfOfFour],
  open,
  release: { kind: 'cohorts', cohortMax: 4, pauseMs: 500, answerMaxMs: 30_000 },
};
const permits: BreakerPolicy = {
  trips: [{ kind: 'consecutive', failures: 3 }],
  open,
  release: { kind: 'permits', permits: 2, successes: 3, answerMaxMs: 5_000 },
};

function breakerOf(policy: BreakerPolicy) {
  const transitions: Transition[] = [];
  const breaker = new CircuitBreaker(policy, chance, (one) => transitions.push(one));
  const call = (isGood: boolean, nowMs: number, tookMs = 0) =>
    breaker.came(breaker.take(nowMs), isGood, nowMs, tookMs);
  const fail = (times: number, nowMs = 0) => {
    for (let one = 0; one < times; one++) call(false, nowMs);
  };
  return { breaker, transitions, call, fail };
}
const opened = (policy: BreakerPolicy) => {
  const made = breakerOf(policy);
  made.fail(4 - (policy === permits ? 1 : 0));
  return made;
};

describe('a rule that opens a breaker', () => {
  it.each<[string, TripRule, readonly (readonly [boolean, number])[]]>([
    ['consecutive failures', { kind: 'consecutive', failures: 2 }, [[false, 0], [true, 0], [false, 0], [false, 0]]], // prettier-ignore
    ['a share of the last calls', { kind: 'count-window', calls: 4, callsMin: 3, failureShare: 0.6 }, [[true, 0], [true, 0], [false, 0], [true, 0], [false, 0], [false, 0]]], // prettier-ignore
    [
      'a share of a time',
      halfOfFour,
      [
        [true, 0],
        [false, 0],
        [false, 0],
        [true, 0],
      ],
    ],
    ['slow calls', { kind: 'slow-calls', windowMs: 1_000, callsMin: 3, slowMs: 200, slowShare: 0.6 }, [[true, 200], [true, 199], [true, 300]]], // prettier-ignore
  ])('%s: with the last of these calls and not before', (_, rule, calls) => {
    const { breaker, transitions, call } = breakerOf({ ...cohorts, trips: [rule] });
    for (const [isGood, tookMs] of calls) {
      expect(breaker.name).toBe('closed');
      call(isGood, 0, tookMs);
    }
    expect(breaker.name).toBe('open');
    expect(transitions[0]).toMatchObject({
      from: 'closed',
      to: 'open',
      untilMs: 1_000,
      cause: { kind: 'tripped', evidence: { rule: rule.kind } },
    });
  });

  it('is one of several, and the evidence says which', () => {
    const trips: TripRule[] = [halfOfFour, { kind: 'consecutive', failures: 3 }];
    const { transitions, fail } = breakerOf({ ...cohorts, trips });
    fail(3);
    expect(transitions[0]?.cause).toEqual({
      kind: 'tripped',
      evidence: { rule: 'consecutive', calls: 3, failures: 3, slow: 0, share: 1, threshold: 1 },
    });
  });

  it('forgets what is long ago', () => {
    const { breaker, fail } = breakerOf(cohorts);
    fail(3);
    fail(1, 11_000);
    expect(breaker.name).toBe('closed');
  });

  it('concludes nothing from few calls', () => {
    const { breaker, fail } = breakerOf(cohorts);
    fail(3);
    expect([breaker.name, breaker.waitMs(0)]).toEqual(['closed', 0]);
  });
});

describe('what others saw', () => {
  it('is believed', () => {
    const { breaker } = breakerOf(cohorts);
    breaker.hear(100, 60, 0);
    expect(breaker.name).toBe('open');
  });

  it('counts by proportion among the last calls, and never as failures in a row', () => {
    const counted = breakerOf({
      ...cohorts,
      trips: [{ kind: 'count-window', calls: 10, callsMin: 10, failureShare: 0.6 }],
    }).breaker;
    counted.hear(1_000, 590, 0);
    expect(counted.statistics(0).lastTransition?.cause).toMatchObject({
      evidence: { rule: 'count-window', calls: 10, failures: 6 },
    });
    const { breaker } = breakerOf(permits);
    breaker.hear(100, 100, 0);
    expect(breaker.name).toBe('closed');
  });

  it('is told once', () => {
    const { breaker, call } = breakerOf(cohorts);
    call(true, 0);
    call(false, 0);
    breaker.hear(9, 1, 0);
    expect(breaker.tell()).toEqual({ calls: 2, failures: 1, slow: 0 });
    expect(breaker.tell()).toEqual({ calls: 0, failures: 0, slow: 0 });
  });
});

describe('an open breaker', () => {
  it('refuses, counts it, and gives nobody a permit', () => {
    const { breaker } = opened(cohorts);
    expect(breaker.waitMs(400)).toBe(600);
    expect(breaker.tryTake(999)).toBeUndefined();
    expect(() => breaker.take(999)).toThrow(RangeError);
    expect(breaker.statistics(999)).toMatchObject({
      state: 'open',
      nextAttemptMs: 1_000,
      totals: { calls: 4, failures: 4, refused: 1, openings: 1 },
    });
  });

  it('stays open longer each time a trial fails, up to a bound', () => {
    const { breaker, call } = opened(cohorts);
    let now = 0;
    const waits: number[] = [];
    for (let trial = 0; trial < 8; trial++) {
      const waitMs = breaker.waitMs(now);
      waits.push(waitMs);
      now += waitMs;
      call(false, now);
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
  });

  it('is not moved by calls from before it opened', () => {
    const { breaker, fail } = breakerOf(cohorts);
    const early = breaker.take(0);
    fail(4);
    breaker.take(1_000);
    breaker.came(early, false, 1_000);
    expect(breaker.name).toBe('half-open');
  });
});

describe('a half-open breaker with permits', () => {
  it('lets so many be under way, and closes after so many successes', () => {
    const { breaker, transitions } = opened(permits);
    const [one, two] = [breaker.tryTake(1_000), breaker.tryTake(1_000)];
    expect(breaker.tryTake(1_000)).toBeUndefined();
    if (!one || !two) throw new Error('two were to go');
    breaker.came(one, true, 1_100);
    breaker.came(one, true, 1_100);
    const three = breaker.take(1_100);
    breaker.came(two, true, 1_200);
    expect(breaker.name).toBe('half-open');
    breaker.came(three, true, 1_300);
    expect(breaker.name).toBe('closed');
    expect(transitions.map(({ cause }) => cause.kind)).toEqual([
      'tripped',
      'waited',
      'trial-passed',
    ]);
  });

  it('opens again when one of them fails', () => {
    const { breaker, call } = opened(permits);
    call(true, 1_000);
    call(false, 1_000);
    expect([breaker.name, breaker.waitMs(1_000)]).toEqual(['open', 2_000]);
  });

  it('is not wedged by a permit that never comes back', () => {
    const { breaker, transitions } = opened(permits);
    breaker.take(1_000);
    breaker.take(1_500);
    expect([breaker.waitMs(1_500), breaker.waitMs(6_000)]).toEqual([4_500, 2_000]);
    expect(breaker.name).toBe('half-open');
    expect(breaker.tryTake(7_999)).toBeUndefined();
    expect(transitions.at(-1)).toMatchObject({
      atMs: 6_000,
      untilMs: 8_000,
      cause: { kind: 'trial-unanswered', underWay: 2 },
    });
    expect(breaker.tryTake(8_000)).toBeDefined();
  });

  it('takes a permit back that was not used, once', () => {
    const { breaker } = opened(permits);
    const permit = breaker.take(1_000);
    breaker.take(1_000);
    breaker.giveBack(permit);
    breaker.giveBack(permit);
    expect(breaker.tryTake(1_000)).toBeDefined();
    expect(breaker.tryTake(1_000)).toBeUndefined();
  });

  it('takes a slow answer for a failed one when a rule counts slow calls', () => {
    const slow: TripRule = { kind: 'slow-calls', windowMs: 1_000, callsMin: 3, slowMs: 200, slowShare: 0.6 }; // prettier-ignore
    const { breaker, call } = breakerOf({ ...permits, trips: [slow] });
    for (let one = 0; one < 3; one++) call(true, 0, 500);
    call(true, 1_000, 200);
    expect(breaker.statistics(1_000).lastTransition?.cause).toMatchObject({ wasSlow: true });
    expect(breaker.name).toBe('open');
  });
});

describe('a half-open breaker with cohorts', () => {
  it.each([
    [4, [1, 2, 4]],
    [3, [1, 2, 3]],
    [1, [1]],
  ])('of at most %d tries %j, and closes then', (cohortMax, sizes) => {
    const { breaker } = opened({
      ...cohorts,
      release: { ...cohorts.release, cohortMax } as Release,
    });
    let now = 1_000;
    for (const size of sizes) {
      expect(breaker.name).not.toBe('closed');
      const out = Array.from({ length: size }, () => breaker.take(now));
      expect(breaker.tryTake(now)).toBeUndefined();
      for (const permit of out) breaker.came(permit, true, now);
      now += breaker.waitMs(now);
    }
    expect(breaker.name).toBe('closed');
  });

  it('tries each after the one before, and after a pause', () => {
    const { breaker } = opened(cohorts);
    const cohort = (size: number, nowMs: number) => {
      const out = Array.from({ length: size }, () => breaker.take(nowMs));
      expect(breaker.tryTake(nowMs)).toBeUndefined();
      for (const permit of out) breaker.came(permit, true, nowMs);
    };
    cohort(1, 1_000);
    expect(breaker.waitMs(1_000)).toBe(250);
    cohort(2, 1_250);
    cohort(4, 1_500);
    expect(breaker.name).toBe('closed');
  });
});

describe('a policy', () => {
  it.each<[string, Partial<BreakerPolicy>]>([
    ['without a rule', { trips: [] }],
    ['with a share of 0', { trips: [{ ...halfOfFour, failureShare: 0 } as TripRule] }],
    ['with half a call', { trips: [{ kind: 'consecutive', failures: 1.5 }] }],
    ['that opens for less and less', { open: { ...open, factor: 0.5 } }],
    ['whose longest time is shorter than its first', { open: { ...open, maxMs: 1 } }],
    ['without permits', { release: { ...permits.release, permits: 0 } as never }],
    ['without an end for answers', { release: { ...permits.release, answerMaxMs: Infinity } }],
  ])('%s is refused', (_, part) => {
    expect(() => new CircuitBreaker({ ...cohorts, ...part }, chance)).toThrow(RangeError);
  });

  it('can be changed: the state stays, the evidence begins anew', () => {
    const { breaker, fail } = breakerOf(cohorts);
    fail(3);
    breaker.follow(permits);
    fail(2);
    expect(breaker.name).toBe('closed');
    fail(1);
    expect(breaker.name).toBe('open');
    breaker.follow(BREAKER_POLICY);
    expect(breaker.waitMs(0)).toBe(1_000);
  });
});
