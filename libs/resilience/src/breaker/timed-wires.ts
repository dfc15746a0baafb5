import { SlidingCounts } from './sliding-counts';
import type { Rule, TripEvidence, Tripwire } from './tripwire';

const shareOf = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);

export class TimeWire implements Tripwire {
  private readonly counts: SlidingCounts;

  constructor(private readonly rule: Rule<'time-window'>) {
    this.counts = new SlidingCounts(rule.windowMs);
  }

  came(isGood: boolean, _: number, nowMs: number): boolean {
    this.counts.add(1, isGood ? 0 : 1, nowMs);
    return this.isTripped();
  }

  hear(calls: number, failures: number, slow: number, nowMs: number): boolean {
    this.counts.add(calls, failures, nowMs, slow);
    return this.isTripped();
  }

  evidence(nowMs: number): TripEvidence {
    const counts = this.counts.sum(nowMs);
    const share = shareOf(counts.failures, counts.calls);
    return { rule: this.rule.kind, ...counts, share, threshold: this.rule.failureShare };
  }

  clear(): void {
    this.counts.clear();
  }

  private isTripped(): boolean {
    const { calls, failures } = this.counts.latest;
    return calls >= this.rule.callsMin && failures >= calls * this.rule.failureShare;
  }
}

export class SlowWire implements Tripwire {
  private readonly counts: SlidingCounts;

  constructor(private readonly rule: Rule<'slow-calls'>) {
    this.counts = new SlidingCounts(rule.windowMs);
  }

  came(isGood: boolean, tookMs: number, nowMs: number): boolean {
    this.counts.add(1, isGood ? 0 : 1, nowMs, tookMs >= this.rule.slowMs ? 1 : 0);
    return this.isTripped();
  }

  hear(calls: number, failures: number, slow: number, nowMs: number): boolean {
    this.counts.add(calls, failures, nowMs, slow);
    return this.isTripped();
  }

  evidence(nowMs: number): TripEvidence {
    const counts = this.counts.sum(nowMs);
    const share = shareOf(counts.slow, counts.calls);
    return { rule: this.rule.kind, ...counts, share, threshold: this.rule.slowShare };
  }

  clear(): void {
    this.counts.clear();
  }

  private isTripped(): boolean {
    const { calls, slow } = this.counts.latest;
    return calls >= this.rule.callsMin && slow >= calls * this.rule.slowShare;
  }
}
