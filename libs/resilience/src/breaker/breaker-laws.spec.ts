import * as fc from 'fast-check';
import type { BreakerPolicy, TripRule } from './breaker-policy';
import { CircuitBreaker } from './circuit-breaker';
import type { ForcedMode, Transition } from './transition';
import type { Permit } from './trial';

/** Goal: what holds whatever happens. Method: any policy, any history, and a look after each step. */

const trips: fc.Arbitrary<TripRule> = fc.oneof(
  fc.record({
    kind: fc.constant('consecutive' as const),
    failures: fc.integer({ min: 1, max: 5 }),
  }),
  fc.record({
    kind: fc.constant('count-window' as const),
    calls: fc.integer({ min: 4, max: 20 }),
    callsMin: fc.integer({ min: 1, max: 4 }),
    failureShare: fc.double({ min: 0.1, max: 1, noNaN: true }),
  }),
  fc.record({
    kind: fc.constant('time-window' as const),
    windowMs: fc.integer({ min: 10, max: 5_000 }),
    callsMin: fc.integer({ min: 1, max: 10 }),
    failureShare: fc.double({ min: 0.1, max: 1, noNaN: true }),
  }),
  fc.record({
    kind: fc.constant('slow-calls' as const),
    windowMs: fc.integer({ min: 10, max: 5_000 }),
    callsMin: fc.integer({ min: 1, max: 10 }),
    slowMs: fc.integer({ min: 1, max: 500 }),
    slowShare: fc.double({ min: 0.1, max: 1, noNaN: true }),
  }),
);
const policies: fc.Arbitrary<BreakerPolicy> = fc.record({
  trips: fc.array(trips, { minLength: 1, maxLength: 3 }),
  open: fc.record({
    firstMs: fc.integer({ min: 1, max: 1_000 }),
    factor: fc.integer({ min: 1, max: 3 }),
    maxMs: fc.integer({ min: 1_000, max: 5_000 }),
    jitterShare: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  release: fc.oneof(
    fc.record({
      kind: fc.constant('permits' as const),
      permits: fc.integer({ min: 1, max: 4 }),
      successes: fc.integer({ min: 1, max: 4 }),
      answerMaxMs: fc.integer({ min: 1, max: 2_000 }),
    }),
    fc.record({
      kind: fc.constant('cohorts' as const),
      cohortMax: fc.integer({ min: 1, max: 5 }),
      pauseMs: fc.nat(300),
      answerMaxMs: fc.integer({ min: 1, max: 2_000 }),
    }),
  ),
});

type Act =
  | { readonly do: 'call' | 'answer' | 'give-back' | 'look' | 'reset' | 'lift' | 'hear' }
  | { readonly do: 'force'; readonly mode: ForcedMode };
const acts = fc.array(
  fc.record({
    afterMs: fc.nat(700),
    isGood: fc.boolean(),
    tookMs: fc.nat(600),
    act: fc.oneof(
      { weight: 8, arbitrary: fc.constant<Act>({ do: 'call' }) },
      { weight: 8, arbitrary: fc.constant<Act>({ do: 'answer' }) },
      {
        weight: 2,
        arbitrary: fc.constantFrom<Act>({ do: 'give-back' }, { do: 'look' }, { do: 'hear' }),
      },
      {
        weight: 1,
        arbitrary: fc.constantFrom<Act>(
          { do: 'reset' },
          { do: 'lift' },
          { do: 'force', mode: 'forced-open' },
          { do: 'force', mode: 'forced-closed' },
          { do: 'force', mode: 'metrics-only' },
        ),
      },
    ),
  }),
  { maxLength: 200 },
);
type Steps = typeof acts extends fc.Arbitrary<infer T> ? T : never;

const FORCED_MS = 2_000;

/** Plays a history; `look` sees the breaker before each step and what a call got. */
function play(
  policy: BreakerPolicy,
  steps: Steps,
  look: (breaker: CircuitBreaker, nowMs: number, went: Permit | undefined | 'no-call') => void,
): Transition[] {
  const transitions: Transition[] = [];
  let drawn = 0;
  const chance = () => (drawn++ % 10) / 10;
  const breaker = new CircuitBreaker(policy, chance, (one) => transitions.push(one));
  const out: Permit[] = [];
  let now = 0;
  for (const { afterMs, isGood, tookMs, act } of steps) {
    now += afterMs;
    let went: Permit | undefined | 'no-call' = 'no-call';
    switch (act.do) {
      case 'call': {
        const isWelcome = breaker.waitMs(now) === 0;
        went = breaker.tryTake(now);
        expect(went !== undefined).toBe(isWelcome);
        if (went) out.push(went);
        break;
      }
      case 'answer': {
        const permit = out.shift();
        if (permit) breaker.came(permit, isGood, now, tookMs);
        break;
      }
      case 'give-back': {
        const permit = out.pop();
        if (permit) breaker.giveBack(permit);
        break;
      }
      case 'look':
        break;
      case 'hear':
        breaker.hear(10, isGood ? 0 : 8, now, isGood ? 0 : 2);
        break;
      case 'reset':
        breaker.reset('a test', now);
        break;
      case 'lift':
        breaker.lift('a test', now);
        break;
      case 'force':
        breaker.force(act.mode, now + FORCED_MS, 'a test', now);
        break;
    }
    look(breaker, now, went);
  }
  return transitions;
}

describe('whatever happens to a breaker', () => {
  it('no call passes while it is open, and none that it says may go is refused', () => {
    fc.assert(
      fc.property(policies, acts, (policy, steps) => {
        let closedUntilMs = 0;
        play(policy, steps, (breaker, now, went) => {
          const { lastTransition: last, mode } = breaker.statistics(now);
          const isOpen = last?.to === 'open' && mode !== 'metrics-only';
          closedUntilMs = isOpen ? (last.untilMs ?? 0) : 0;
          if (went !== 'no-call' && went) expect(isOpen).toBe(false);
          if (isOpen && now < closedUntilMs)
            expect(breaker.waitMs(now)).toBeCloseTo(closedUntilMs - now, 6);
        });
      }),
    );
  });

  it('no more than its permits, or its largest cohort, are under way while it is half-open', () => {
    fc.assert(
      fc.property(policies, acts, (policy, steps) => {
        play(policy, steps, (breaker, now) => {
          const underWay = breaker.statistics(now).trial?.underWay ?? 0;
          const { release } = policy;
          const max = release.kind === 'permits' ? release.permits : release.cohortMax;
          expect(underWay).toBeLessThanOrEqual(max);
        });
      }),
    );
  });

  it('it is never wedged: after a bounded time without answers it lets somebody try', () => {
    fc.assert(
      fc.property(policies, acts, (policy, steps) => {
        const { release } = policy;
        const longestMs =
          release.answerMaxMs +
          (release.kind === 'cohorts' ? release.pauseMs : 0) +
          policy.open.maxMs * (1 + policy.open.jitterShare) +
          FORCED_MS;
        play(policy, steps, (breaker, now) => {
          expect(breaker.waitMs(now)).toBeLessThanOrEqual(longestMs);
          expect(breaker.waitMs(now + longestMs)).toBe(0);
        });
      }),
    );
  });

  it('what is forced ends when it expires', () => {
    fc.assert(
      fc.property(policies, acts, (policy, steps) => {
        play(policy, steps, (breaker, now) => {
          const { forced } = breaker.statistics(now);
          if (!forced) return;
          expect(forced.untilMs).toBeGreaterThan(now);
          expect(breaker.statistics(forced.untilMs).mode).toBe('automatic');
          if (forced.mode === 'forced-open') expect(breaker.waitMs(forced.untilMs)).toBe(0);
        });
      }),
    );
  });

  it('reading it changes nothing, and the same history ends the same', () => {
    fc.assert(
      fc.property(policies, acts, fc.nat(100_000), (policy, steps, laterMs) => {
        const quiet = play(policy, steps, () => undefined);
        const readOften = play(policy, steps, (breaker, now) => {
          const before = breaker.statistics(now);
          breaker.waitMs(now + laterMs);
          breaker.statistics(now + laterMs);
          breaker.isAtRest(now + laterMs);
          expect(breaker.statistics(now)).toEqual(before);
        });
        expect(readOften).toEqual(quiet);
      }),
    );
  });

  it('every change says where it came from, why, and with what', () => {
    fc.assert(
      fc.property(policies, acts, (policy, steps) => {
        let state = 'closed';
        for (const { from, to, cause } of play(policy, steps, () => undefined)) {
          expect(from).toBe(state);
          state = to;
          if (cause.kind === 'tripped')
            expect(cause.evidence.share).toBeGreaterThanOrEqual(cause.evidence.threshold - 1e-9);
        }
      }),
    );
  });
});
