import type { CircuitBreaker } from '../breaker/circuit-breaker';
import type { Retrier, RetryOptions } from '../retry/retrier';
import { Attempt, type Guarded, type GuardParts } from './attempt';
import type { TimeOuts } from './time-outs';
import { isUnsendable } from './unsendable';

export interface GuardPolicy {
  /** Of each attempt. */
  readonly timeoutMs: number;
  /** Whether a failure is the target's and counts against it; default: all but answers below 500. */
  readonly isFault?: (failure: unknown) => boolean;
}

const NO_OPTIONS: RetryOptions = {};

/**
 * Breaker, time-out and retry around a call, in this order from the inside: every attempt asks the
 * breaker and has its own time, and all of them share the caller's deadline.
 */
export class Guard {
  private readonly parts: GuardParts;

  constructor(
    breaker: CircuitBreaker,
    retrier: Retrier,
    timeOuts: TimeOuts,
    { timeoutMs, isFault = isTargetsFault }: GuardPolicy,
  ) {
    this.parts = { breaker, retrier, timeOuts, timeoutMs, isFault };
  }

  /**
   * @throws {Refusal} The breaker is open, the deadline has passed, or no answer came in time.
   * @throws What the last attempt that went out threw.
   */
  call<Result>(operation: Guarded<Result>, options: RetryOptions = NO_OPTIONS): Promise<Result> {
    return new Promise((resolve, reject) => {
      new Attempt(this.parts, 1, operation, options, resolve, reject, undefined).begin();
    });
  }
}

/** All but answers below 500, and requests that could not be sent: a target that says no is well. */
export function isTargetsFault(failure: unknown): boolean {
  if (isUnsendable(failure)) return false;
  const isAnswer = typeof failure === 'object' && failure !== null && 'status' in failure;
  return !(isAnswer && typeof failure.status === 'number' && failure.status < 500);
}
