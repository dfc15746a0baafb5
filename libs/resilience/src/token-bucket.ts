/**
 * How many may go in a time: `perSecond` on average, `burst` at once after a rest.
 *
 * @see Token bucket: Jonathan Turner, "New Directions in Communications", IEEE Communications 1986.
 */
export class TokenBucket {
  private tokens: number;
  private filledAt: number | undefined;

  /** @param burst At least 1. */
  constructor(
    private readonly perSecond: number,
    private readonly burst: number,
  ) {
    this.tokens = burst;
  }

  /** Milliseconds until the next one may go; 0 when it may go now. */
  waitMs(nowMs: number): number {
    this.fill(nowMs);
    return this.tokens >= 1 ? 0 : Math.ceil(((1 - this.tokens) * 1_000) / this.perSecond);
  }

  /** Only after `waitMs` was 0. */
  take(nowMs: number): void {
    this.fill(nowMs);
    this.tokens -= 1;
  }

  private fill(nowMs: number): void {
    // A clock that was set back gives nothing and takes nothing.
    const elapsedMs = Math.max(0, nowMs - (this.filledAt ?? nowMs));
    this.tokens = Math.min(this.burst, this.tokens + (elapsedMs * this.perSecond) / 1_000);
    this.filledAt = Math.max(nowMs, this.filledAt ?? nowMs);
  }
}
