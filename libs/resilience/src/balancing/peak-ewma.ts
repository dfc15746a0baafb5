import { keptAfter, momentMs } from './decay';

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
  /** What is left of the value, and as of when: calls follow each other closely, and each asks. */
  private leftMs = 0;
  private leftAtMs = Number.NEGATIVE_INFINITY;
  private readonly momentMs: number;

  /** @param decayMs After this time without a call, 1/e of the value is left. */
  constructor(private readonly decayMs: number) {
    this.momentMs = momentMs(decayMs);
  }

  /** When it last learnt something. */
  get stampedMs(): number {
    return this.stampMs;
  }

  saw(latencyMs: number, nowMs: number): void {
    if (latencyMs >= this.valueMs) return this.learn(latencyMs, nowMs);
    const kept = this.kept(nowMs);
    this.learn(this.valueMs * kept + latencyMs * (1 - kept), nowMs);
  }

  /** It took at least so long: nothing if that is less than what is known. */
  sawAtLeast(latencyMs: number, nowMs: number): void {
    if (latencyMs > this.at(nowMs)) this.learn(latencyMs, nowMs);
  }

  /** Milliseconds; 0 if nothing is known, or no longer. Right to a ten-thousandth. */
  at(nowMs: number): number {
    if (nowMs - this.leftAtMs >= this.momentMs) this.fade(nowMs);
    return this.leftMs;
  }

  private learn(valueMs: number, nowMs: number): void {
    this.valueMs = valueMs;
    this.stampMs = nowMs;
    this.fade(nowMs);
  }

  private fade(nowMs: number): void {
    const leftMs = this.valueMs * this.kept(nowMs);
    this.leftMs = leftMs < FADED_MS ? 0 : leftMs;
    this.leftAtMs = nowMs;
  }

  private kept(nowMs: number): number {
    return keptAfter(nowMs - this.stampMs, this.decayMs);
  }
}
