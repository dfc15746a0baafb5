import type { Deadline } from '../deadline/deadline';
import { delayMs, type Backoff, type Jitter } from './backoff';
import { classifier, type Verdict } from './classification';
import type { RetryBudget } from './retry-budget';

export interface RetryPolicy {
  /** The first one counted; 1: no retry. */
  readonly attemptsMax: number;
  readonly backoff: Backoff;
  readonly jitter: Jitter;
  readonly delayMaxMs: number;
  /** With less time left an attempt is not begun. */
  readonly attemptMinMs: number;
  readonly classify: (failure: unknown) => Verdict;
}

export const RETRY_POLICY: RetryPolicy = {
  attemptsMax: 3,
  backoff: { kind: 'exponential', firstMs: 100, factor: 2 },
  jitter: 'full',
  delayMaxMs: 10_000,
  attemptMinMs: 1,
  classify: classifier(),
};

/** An attempt that failed. */
export interface FailedAttempt {
  /** 1 for the first. */
  readonly number: number;
  readonly failure: unknown;
  readonly nowMs: number;
  readonly deadline: Deadline;
  /** Whether carrying it out twice does no harm. */
  readonly isRepeatable: boolean;
}

export type RetryDecision =
  | { readonly kind: 'retry'; readonly delayMs: number }
  | {
      readonly kind: 'stop';
      readonly because: 'final' | 'unknown' | 'attempts' | 'time' | 'budget';
    };

const stop = (because: Extract<RetryDecision, { kind: 'stop' }>['because']): RetryDecision => ({
  kind: 'stop',
  because,
});

/** Whether it is worth another attempt. The budget is asked last, so that nothing is taken in vain. */
export function decideRetry(
  policy: RetryPolicy,
  budget: RetryBudget | undefined,
  chance: () => number,
  { number, failure, nowMs, deadline, isRepeatable }: FailedAttempt,
): RetryDecision {
  if (number >= policy.attemptsMax) return stop('attempts');
  const verdict = policy.classify(failure);
  if (verdict === 'final') return stop('final');
  if (verdict === 'unknown' && !isRepeatable) return stop('unknown');
  const { backoff, jitter, delayMaxMs, attemptMinMs } = policy;
  const pauseMs = delayMs(backoff, jitter, number, delayMaxMs, chance());
  const waitMs = Math.max(pauseMs, Math.min(delayMaxMs, retryAfterMs(failure)));
  if (!deadline.suffices(attemptMinMs, nowMs + waitMs)) return stop('time');
  if (budget && !budget.tryTake(nowMs)) return stop('budget');
  return { kind: 'retry', delayMs: waitMs };
}

/** What the target asked for, as `retryAfterMs` of the failure; 0 when it asked for nothing. */
function retryAfterMs(failure: unknown): number {
  const asked =
    typeof failure === 'object' && failure !== null && 'retryAfterMs' in failure
      ? failure.retryAfterMs
      : undefined;
  return typeof asked === 'number' && asked > 0 ? asked : 0;
}
