import type { CircuitBreaker } from './circuit-breaker';

/** Calls of some time. */
export interface MeteredCalls {
  readonly calls: number;
  readonly failures: number;
  readonly slow: number;
  /** Kept away. */
  readonly refused: number;
  /** The longest row of failures, part of which is of this time. */
  readonly longestRow: number;
}

/** What went through one breaker since it was last read: what each call is counted by anyway. */
export class CallMeter {
  private read = { calls: 0, failures: 0, slow: 0, refused: 0 };

  /** One for each breaker: rows of failures are told once. */
  constructor(private readonly breaker: CircuitBreaker) {}

  take(): MeteredCalls {
    const { calls, failures, slow, refused } = this.breaker.counted;
    const before = this.read;
    this.read = { calls, failures, slow, refused };
    return {
      calls: calls - before.calls,
      failures: failures - before.failures,
      slow: slow - before.slow,
      refused: refused - before.refused,
      longestRow: failures > before.failures ? this.breaker.takeLongestRow() : 0,
    };
  }
}
