import { ordersFrom, rulesFrom, textOf, type Policies } from './followed-policies';
import type { HeldBreakers } from './held-breakers';

/** What was answered, and up to which position of the log it is true. */
export interface SaidPolicies {
  readonly position: number;
  readonly policies: Policies;
}

/** Answers that are all older than the newest for so long are no replica's lag: the log was put back. */
const OLDER_MS_MAX = 60_000;

/**
 * Keeps breakers true to what people say of them. While nobody answers, what was said last goes on.
 */
export class BreakerFollower {
  private position = -1;
  private followed = '';
  private olderSinceMs: number | undefined;

  /** @param onRefused A newer release says what this one cannot follow; what was said before goes on. */
  constructor(
    private readonly breakers: HeldBreakers,
    private readonly onRefused: (fault: RangeError) => void,
  ) {}

  /** @returns Whether anything is other than before. */
  take({ position, policies }: SaidPolicies): boolean {
    if (!Number.isSafeInteger(position) || position < 0) return false;
    if (this.isOfBefore(position)) return false;
    if (position < this.position) this.beginAnew();
    this.position = position;
    this.olderSinceMs = undefined;
    const said = textOf(policies);
    if (said === this.followed) return false;
    try {
      const rules = rulesFrom(policies, this.breakers.ownPolicy);
      const nowMs = this.breakers.now();
      const now = { nowMs, calendarMs: nowMs + this.breakers.calendarOffsetMs };
      this.breakers.follow(rules, ordersFrom(policies, now));
      this.followed = said;
      return true;
    } catch (fault) {
      if (!(fault instanceof RangeError)) throw fault;
      this.onRefused(fault);
      return false;
    }
  }

  /** A replica that lags behind may have answered. */
  private isOfBefore(position: number): boolean {
    if (position >= this.position) return false;
    const now = this.breakers.now();
    this.olderSinceMs ??= now;
    return now - this.olderSinceMs < OLDER_MS_MAX;
  }

  /** Orders may bear numbers that others had. */
  private beginAnew(): void {
    this.followed = '';
    this.breakers.forgetOrders();
  }
}
