export interface RetryBudgetOptions {
  /** So many retries each call pays for; 0.2: one retry for five calls. */
  readonly share: number;
  /** So many more each second, so that a target with few calls can be tried again. */
  readonly perSecond: number;
  /** So many can be saved up, and are there at the beginning. */
  readonly burst: number;
}

export const RETRY_BUDGET: RetryBudgetOptions = { share: 0.2, perSecond: 1, burst: 10 };

/** A retry, in the smallest part that a call can pay: whole numbers, so that no sum is ever rounded up. */
const RETRY = 1_000_000;

/**
 * How many retries the calls of a process to a target may cost: at most
 * `burst + share x calls + perSecond x seconds`. When everything fails, retries then add a fifth to
 * the load and do not multiply it.
 *
 * @see RetryBudget of Finagle; retry throttling of gRPC (proposal A6).
 */
export class RetryBudget {
  private readonly capacity: number;
  private readonly perCall: number;
  private parts: number;
  private filledMs: number | undefined;
  private refusedCount = 0;

  constructor(private readonly options: RetryBudgetOptions = RETRY_BUDGET) {
    const { share, perSecond, burst } = options;
    if (!(share >= 0 && share <= 10 && perSecond >= 0 && burst >= 1 && burst <= 1_000_000))
      throw new RangeError('a share up to 10, no negative rate and a burst of 1 to 1,000,000');
    this.capacity = burst * RETRY;
    this.perCall = Math.floor(share * RETRY);
    this.parts = this.capacity;
  }

  /** How often it said no. */
  get refused(): number {
    return this.refusedCount;
  }

  /** A first attempt was made. */
  called(): void {
    this.parts = Math.min(this.capacity, this.parts + this.perCall);
  }

  /** Whether there is one more retry; it is taken then. */
  tryTake(nowMs: number): boolean {
    const had = this.filledUp(nowMs);
    this.filledMs = Math.max(nowMs, this.filledMs ?? nowMs);
    this.parts = had < RETRY ? had : had - RETRY;
    if (had < RETRY) this.refusedCount++;
    return had >= RETRY;
  }

  /** How many retries there are. Changes nothing. */
  left(nowMs: number): number {
    return Math.floor(this.filledUp(nowMs) / RETRY);
  }

  private filledUp(nowMs: number): number {
    // A clock that was set back gives nothing and takes nothing.
    const elapsedMs = Math.max(0, nowMs - (this.filledMs ?? nowMs));
    const filled = Math.floor((elapsedMs * this.options.perSecond * RETRY) / 1_000);
    return Math.min(this.capacity, this.parts + filled);
  }
}
