import { SlidingCounts, type Counts } from './sliding-counts';
import type { Rule, TripEvidence, Tripwire } from './tripwire';

/** A rule that watches a time: opens when so large a share of its calls failed, or was slow. */
export class WindowWire implements Tripwire {
  private readonly counts: SlidingCounts;
  private readonly isAboutSlow: boolean;
  private readonly callsMin: number;
  private readonly slowMs: number;
  private readonly threshold: number;

  constructor(private readonly rule: Rule<'time-window' | 'slow-calls'>) {
    const isAboutSlow = rule.kind === 'slow-calls';
    this.isAboutSlow = isAboutSlow;
    this.callsMin = rule.callsMin;
    this.counts = new SlidingCounts(rule.windowMs);
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
    const share = counts.calls === 0 ? 0 : this.badOf(counts) / counts.calls;
    return { rule: this.rule.kind, ...counts, share, threshold: this.threshold };
  }

  clear(): void {
    this.counts.clear();
  }

  private badOf({ failures, slow }: Counts): number {
    return this.isAboutSlow ? slow : failures;
  }

  private isTripped(): boolean {
    const { latest } = this.counts;
    const bad = this.badOf(latest);
    // Nearly always none: then there is nothing to work out.
    return bad > 0 && latest.calls >= this.callsMin && bad >= latest.calls * this.threshold;
  }
}
