import type { OnError, RetryPolicy } from '@downbeat/contracts';
import type { RetryRule } from '../definition/compiled';
import type { CallResult } from './commands';
import type { Certainty } from './events';

export type Failure = Exclude<CallResult, { kind: 'ok' | 'oversized' }>;

/**
 * Whether a failed call had no effect for sure. A gateway's 502 and 504 do not say whether the
 * service behind it was reached. A call that an earlier process may have sent before stays unknown
 * whatever the second one says.
 */
export function certaintyOf(failure: Failure, reissued: boolean): Certainty {
  if (reissued) return 'unknown';
  switch (failure.kind) {
    case 'timeout':
    case 'broken':
      return 'unknown';
    case 'refused':
      return 'failed';
    case 'answer':
      return failure.status === 502 || failure.status === 504 ? 'unknown' : 'failed';
  }
}

/** Whether one of the classes names the failure. */
export function isMatched(failure: Failure, match: readonly OnError['match'][number][]): boolean {
  const own = [classOf(failure), failure.kind === 'answer' ? failure.status : undefined, 'any'];
  return match.some((named) => own.includes(named));
}

/** `timeout`, `connection`, or the hundreds of an answer: `4xx`. */
export function classOf(failure: Failure): string {
  switch (failure.kind) {
    case 'timeout':
      return 'timeout';
    case 'refused':
    case 'broken':
      return 'connection';
    case 'answer':
      return `${Math.floor(failure.status / 100)}xx`;
  }
}

/** Statuses below 500 that promise that another call may succeed. */
const TRANSIENT: ReadonlySet<number> = new Set([408, 425, 429]);

/** Whether the same call may succeed later; `retry_on` adds to what is retried anyway. */
export function isRetriable(failure: Failure, policy: RetryPolicy): boolean {
  if (failure.kind !== 'answer') return true;
  const { status } = failure;
  if (status >= 500 || TRANSIENT.has(status)) return true;
  return policy.retry_on.some(
    (named) =>
      named === status || named === 'any' || (named === '4xx' && status >= 400 && status < 500),
  );
}

/**
 * Exponential back-off with deterministic jitter: `chance` picks the share that was left to it.
 * Retry-After can make the wait longer, up to `max_delay_ms`.
 *
 * @param retry From 1.
 * @param chance From 0 to 1.
 * @see Marc Brooker, "Exponential Backoff And Jitter".
 */
export function retryDelayMs(
  policy: Omit<RetryRule, 'match'>,
  retry: number,
  chance: number,
  retryAfterMs = 0,
): number {
  const { initial_delay_ms, backoff_multiplier, max_delay_ms, jitter } = policy;
  const full = Math.min(initial_delay_ms * backoff_multiplier ** (retry - 1), max_delay_ms);
  // Written so that a chance or a header that is no number counts as nothing.
  const share = chance > 0 ? Math.min(chance, 1) : 0;
  const after = retryAfterMs > 0 ? Math.min(retryAfterMs, max_delay_ms) : 0;
  return Math.round(Math.max(full * (1 - jitter) + full * jitter * share, after));
}

/** One line for people: `HTTP 409: sold out`. */
export function describe({ kind, status, message }: Described): string {
  if (kind !== 'answer') return message;
  return message === '' ? `HTTP ${status}` : `HTTP ${status}: ${message}`;
}

interface Described {
  readonly kind: Failure['kind'];
  readonly status?: number;
  readonly message: string;
}
