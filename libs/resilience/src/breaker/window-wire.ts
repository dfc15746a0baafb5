import { SlidingCounts } from './sliding-counts';
import type { Rule, TripEvidence, Tripwire } from './tripwire';

/** A rule that watches a time: opens when so large a share of its calls failed, or was slow. */
export class WindowWire implements Tripwire {
  private readonly counts: SlidingCounts;
  private readonly against: 'failures' | 'slow';
  private readonly slowMs: number;
  private readonly threshold: number;

  constructor(private readonly rule: Rule<'time-window' | 'slow-calls'>) {
    const isAboutSlow = rule.kind === 'slow-calls';
    this.counts = new SlidingCounts(rule.windowMs);
    this.against = isAboutSlow ? 'slow' : 'failures';
    this.slowMs = isAboutSlow ? rule.slowMs : Number.POSITIVE_INFINITY;
    this.threshold = isAboutSlow ? rule.slowShare : rule.failureShare;
  }

  came(isGood: boolean, tookMs: number, nowMs: number): boolean {
    this.counts.add(1, isGood ? 0 : 1, nowMs, tookMs >= this.slowMs ? 1 : 0);
    return this.isTripped();
  }

  hear(calls: number, failures: number, slow: number, nowMs: number): boolean {
    this.counts.add(calls, failures, nowMs, slow);
    return this.isTripped();
  }

  evidence(nowMs: number): TripEvidence {
    const counts = this.counts.sum(nowMs);
    const share = counts.calls === 0 ? 0 : counts[this.against] / counts.calls;
    return { rule: this.rule.kind, ...counts, share, threshold: this.threshold };
  }

  clear(): void {
    this.counts.clear();
  }

  private isTripped(): boolean {
    const { latest } = this.counts;
    const { calls } = latest;
    return calls >= this.rule.callsMin && latest[this.against] >= calls * this.threshold;
  }
}
