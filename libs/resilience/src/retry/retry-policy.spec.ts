import * as fc from 'fast-check';
import { Deadline } from '../deadline/deadline';
import { delayMs, type Backoff, type Jitter } from './backoff';
import { classifier } from './classification';
import { RetryBudget } from './retry-budget';
import { decideRetry, RETRY_POLICY, type FailedAttempt, type RetryPolicy } from './retry-policy';

const backoffs: Readonly<Record<string, [Backoff, readonly number[]]>> = {
  immediate: [{ kind: 'immediate' }, [0, 0, 0, 0]],
  fixed: [{ kind: 'fixed', delayMs: 70 }, [70, 70, 70, 70]],
  linear: [{ kind: 'linear', firstMs: 100, stepMs: 50 }, [100, 150, 200, 250]],
  exponential: [{ kind: 'exponential', firstMs: 100, factor: 3 }, [100, 300, 900, 1_000]],
};

describe('the delay before a retry', () => {
  it.each(Object.entries(backoffs))('%s', (_, [backoff, expected]) => {
    expect([1, 2, 3, 4].map((retry) => delayMs(backoff, 'none', retry, 1_000, 0.9))).toEqual(
      expected,
    );
  });

  it('is anything up to it with full jitter, and at least half of it with equal jitter', () => {
    const [jitters, chances] = [['full', 'equal'] as const, [0, 0.5, 1]];
    expect(
      jitters.map((jitter) =>
        chances.map((chance) => delayMs({ kind: 'fixed', delayMs: 80 }, jitter, 1, 1_000, chance)),
      ),
    ).toEqual([
      [0, 40, 80],
      [40, 60, 80],
    ]);
  });

  it('is never negative and never longer than allowed, however often it was tried', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.values(backoffs).map(([backoff]) => backoff)),
        fc.constantFrom<Jitter>('none', 'full', 'equal'),
        fc.integer({ min: 1, max: 5_000 }),
        fc.nat(60_000),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (backoff, jitter, retry, maxMs, chance) => {
          const ms = delayMs(backoff, jitter, retry, maxMs, chance);
          expect(ms).toBeGreaterThanOrEqual(0);
          expect(ms).toBeLessThanOrEqual(maxMs);
        },
      ),
    );
  });
});

describe('a failure', () => {
  const classify = classifier({
    statuses: { 409: 'retryable' },
    codes: { LOCKED: 'retryable' },
    predicate: (failure) => (failure === 'odd' ? 'final' : undefined),
  });
  it.each<[string, unknown, string]>([
    ['was not looked at', { status: 503 }, 'retryable'],
    ['may have happened', { statusCode: 504 }, 'unknown'],
    ['is an answer', { status: 404 }, 'final'],
    ['says itself that it may', { outcome: 'unknown', status: 503 }, 'unknown'],
    ['is what it is called here', { status: 409 }, 'retryable'],
    ['has a code', { code: 'ECONNREFUSED' }, 'retryable'],
    ['has a code of its own', { code: 'LOCKED' }, 'retryable'],
    ['has a cause', new Error('x', { cause: { cause: { code: 'ECONNREFUSED' } } }), 'retryable'],
    ['broke a connection', { code: 'ECONNRESET' }, 'unknown'],
    ['has a name nobody gave it', { code: 'constructor' }, 'unknown'],
    ['is judged by whoever asks', 'odd', 'final'],
    ['says nothing', undefined, 'unknown'],
  ])('that %s', (_, failure, verdict) => expect(classify(failure)).toBe(verdict));

  it('that is its own cause is looked at all the same', () => {
    const ring: { cause?: unknown } = {};
    ring.cause = ring;
    expect(classify(ring)).toBe('unknown');
  });
});

describe('another attempt', () => {
  const policy: RetryPolicy = {
    ...RETRY_POLICY,
    jitter: 'none',
    backoff: { kind: 'fixed', delayMs: 100 },
    attemptMinMs: 20,
  };
  const failed: FailedAttempt = {
    number: 1,
    failure: { status: 503 },
    nowMs: 0,
    deadline: Deadline.never,
    isRepeatable: false,
  };
  const decide = (part: Partial<FailedAttempt>, budget?: RetryBudget) =>
    decideRetry(policy, budget, () => 0.5, { ...failed, ...part });

  it.each<[string, Partial<FailedAttempt>, object]>([
    ['comes after its delay', {}, { kind: 'retry', delayMs: 100 }],
    ['is not made when there were enough', { number: 3 }, { because: 'attempts' }],
    ['is not made after an answer', { failure: { status: 400 } }, { because: 'final' }],
    ['is not made when it may have happened', { failure: { status: 502 } }, { because: 'unknown' }],
    ['is made if it may be repeated', { failure: { status: 502 }, isRepeatable: true }, { kind: 'retry' }],
    ['comes when the target asked for it', { failure: { status: 429, retryAfterMs: 700 } }, { delayMs: 700 }],
    ['does not wait for ever', { failure: { status: 429, retryAfterMs: 9e9 } }, { delayMs: 10_000 }],
    ['is not begun without the time for it', { deadline: Deadline.at(119) }, { because: 'time' }],
    ['is begun when the time just suffices', { deadline: Deadline.at(120) }, { kind: 'retry' }],
  ])('%s', (_, part, expected) => expect(decide(part)).toMatchObject(expected)); // prettier-ignore

  it('takes from the budget only when nothing else is in the way', () => {
    const budget = new RetryBudget({ share: 0, perSecond: 0, burst: 1 });
    decide({ failure: { status: 400 } }, budget);
    decide({ deadline: Deadline.at(1) }, budget);
    expect(budget.left(0)).toBe(1);
    expect(decide({}, budget)).toMatchObject({ kind: 'retry' });
    expect(decide({}, budget)).toMatchObject({ because: 'budget' });
  });
});
