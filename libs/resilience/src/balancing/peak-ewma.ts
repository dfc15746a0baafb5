import { keptAfter } from './decay';

/** Below this, in milliseconds, an old latency has faded to nothing. */
const FADED_MS = 0.01;

/**
 * A moving average of latency that jumps to a peak at once and comes down slowly: being slow is
 * believed sooner than being fast again. What nobody asks fades, so that it is asked again one day.
 *
 * @see Peak EWMA in Twitter's Finagle (`com.twitter.finagle.loadbalancer.PeakEwma`).
 */
export class PeakEwma {
  private valueMs = 0;
  private stampMs = Number.NEGATIVE_INFINITY;

  /** @param decayMs After this time without a call, 1/e of the value is left. */
  constructor(private readonly decayMs: number) {}

  /** When it last learnt something. */
  get stampedMs(): number {
    return this.stampMs;
  }

  saw(latencyMs: number, nowMs: number): void {
    if (latencyMs >= this.valueMs) this.valueMs = latencyMs;
    else {
      const kept = this.kept(nowMs);
      this.valueMs = this.valueMs * kept + latencyMs * (1 - kept);
    }
    this.stampMs = nowMs;
  }

  /** It took at least so long: nothing if that is less than what is known. */
  sawAtLeast(latencyMs: number, nowMs: number): void {
    if (latencyMs <= this.at(nowMs)) return;
    this.valueMs = latencyMs;
    this.stampMs = nowMs;
  }

  /** Milliseconds; 0 if nothing is known, or no longer. */
  at(nowMs: number): number {
    if (this.valueMs === 0) return 0;
    const valueMs = this.valueMs * this.kept(nowMs);
    return valueMs < FADED_MS ? 0 : valueMs;
  }

  private kept(nowMs: number): number {
    return keptAfter(nowMs - this.stampMs, this.decayMs);
  }
}
