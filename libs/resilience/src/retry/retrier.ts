import { Deadline } from '../deadline/deadline';
import type { RetryBudget } from './retry-budget';
import { decideRetry, type RetryPolicy } from './retry-policy';

export interface RetryPorts {
  /** Milliseconds that never go back. */
  readonly now: () => number;
  /** From 0 to 1. */
  readonly chance: () => number;
  readonly wait: (ms: number) => Promise<void>;
}

export interface RetryOptions {
  readonly deadline?: Deadline;
  /** Whether carrying it out twice does no harm; default no. */
  readonly isRepeatable?: boolean;
}

/** @param attempt 1 for the first. */
export type Attempted<Result> = (attempt: number) => Promise<Result>;

/** Calls that are made again when that may help, within attempts, time and budget. */
export class Retrier {
  constructor(
    readonly policy: RetryPolicy,
    readonly ports: RetryPorts,
    readonly budget?: RetryBudget,
  ) {}

  /** @throws What the last attempt threw. */
  async run<Result>(operation: Attempted<Result>, options: RetryOptions = {}): Promise<Result> {
    this.budget?.called();
    for (let attempt = 1; ; attempt++) {
      try {
        return await operation(attempt);
      } catch (failure) {
        if (!(await this.mayGoOn(attempt, failure, options))) throw failure;
      }
    }
  }

  /** Waits, and says whether the next attempt may begin. */
  async mayGoOn(
    number: number,
    failure: unknown,
    { deadline = Deadline.never, isRepeatable = false }: RetryOptions,
  ): Promise<boolean> {
    const { policy, ports, budget } = this;
    const decision = decideRetry(policy, budget, ports.chance, {
      number,
      failure,
      nowMs: ports.now(),
      deadline,
      isRepeatable,
    });
    if (decision.kind === 'stop') return false;
    if (decision.delayMs > 0) await ports.wait(decision.delayMs);
    // Timers are late when a process is busy, which is when time runs out.
    return deadline.suffices(policy.attemptMinMs, ports.now());
  }
}
