import { RetryBudget } from '../retry/retry-budget';
import type { HedgeDelay, HedgePolicy } from './hedge-policy';
import { LatencyQuantile } from './latency-quantile';

/** When calls to a target are hedged, and how many of them: at most `burst + share x calls`. */
export class Hedging {
  private readonly latencies = new LatencyQuantile();
  private readonly budget: RetryBudget;

  /** @throws {RangeError} A number of the policy makes no sense. */
  constructor(private readonly policy: HedgePolicy) {
    checkDelay(policy.delay);
    this.budget = new RetryBudget({ share: policy.share, perSecond: 0, burst: policy.burst });
  }

  /** How long to wait before one more is sent; undefined: that is not known yet. */
  delayMs(asked: HedgeDelay | 'policy'): number | undefined {
    const delay = asked === 'policy' ? this.policy.delay : asked;
    if (delay.kind === 'fixed') return delay.ms;
    const knownMs = this.latencies.at(delay.share);
    return knownMs === undefined
      ? undefined
      : Math.min(delay.maxMs, Math.max(delay.minMs, knownMs));
  }

  /** A call that may be hedged went out. */
  called(): void {
    this.budget.called();
  }

  /** An answer came. */
  saw(tookMs: number): void {
    this.latencies.saw(tookMs);
  }

  hasBudget(nowMs: number): boolean {
    return this.budget.left(nowMs) > 0;
  }

  /** Whether one more may go; it is counted then. */
  tryTake(nowMs: number): boolean {
    return this.budget.tryTake(nowMs);
  }
}

/** @throws {RangeError} A number makes no sense. */
export function checkDelay(delay: HedgeDelay): void {
  const isSound =
    delay.kind === 'fixed'
      ? delay.ms >= 0 && delay.ms < Infinity
      : delay.share > 0 && delay.share < 1 && delay.minMs >= 0 && delay.maxMs >= delay.minMs;
  if (!isSound) throw new RangeError('a hedge is sent after a time, or a share between 0 and 1');
}
