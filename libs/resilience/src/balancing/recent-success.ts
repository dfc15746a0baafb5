import { keptAfter, momentMs } from './decay';

/** As many good calls are taken for granted, so that one failure after a silence is not all there is. */
const GRANTED = 5;

/**
 * The share of recent calls that went well; each counts less the longer ago it was. Without calls
 * it returns to 1, so that whoever failed is tried again.
 *
 * @see Exponential forward decay: Cormode et al., "Forward Decay", ICDE 2009.
 */
export class RecentSuccess {
  private calls = 0;
  private failures = 0;
  private stampMs = 0;
  private readonly momentMs: number;

  /** @param decayMs After this time a call counts 1/e. */
  constructor(private readonly decayMs: number) {
    this.momentMs = momentMs(decayMs);
  }

  saw(isGood: boolean, nowMs: number): void {
    // Next to no time has passed: what is kept would be worked out for nothing. It fades with the next one.
    if (isGood && nowMs - this.stampMs < this.momentMs) {
      this.calls++;
      return;
    }
    const kept = this.kept(nowMs);
    this.calls = this.calls * kept + 1;
    this.failures = this.failures * kept + (isGood ? 0 : 1);
    this.stampMs = nowMs;
  }

  /** Above 0, at most 1. */
  at(nowMs: number): number {
    if (this.failures === 0) return 1;
    const kept = this.kept(nowMs);
    return 1 - (this.failures * kept) / (this.calls * kept + GRANTED);
  }

  private kept(nowMs: number): number {
    return keptAfter(nowMs - this.stampMs, this.decayMs);
  }
}
