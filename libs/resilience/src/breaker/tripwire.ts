import { CountWindow } from './count-window';
import type { TripRule } from './breaker-policy';
import { SlidingCounts, type Counts } from './sliding-counts';

/** What a rule has seen, and what it opens at. */
export interface TripEvidence extends Counts {
  readonly rule: TripRule['kind'];
  /** Of the calls that count against it, from 0 to 1; for consecutive failures of those that it takes. */
  readonly share: number;
  /** The share it opens at. */
  readonly threshold: number;
}

/** One rule at work. */
export interface Tripwire {
  /** @returns Whether it opens the breaker. */
  came(isGood: boolean, tookMs: number, nowMs: number): boolean;
  /** What was seen elsewhere; of calls of which nothing else is known. */
  hear(calls: number, failures: number, slow: number, nowMs: number): boolean;
  /** Changes nothing. */
  evidence(nowMs: number): TripEvidence;
  clear(): void;
}

export function tripwireOf(rule: TripRule): Tripwire {
  switch (rule.kind) {
    case 'consecutive':
      return new ConsecutiveWire(rule);
    case 'count-window':
      return new CountWire(rule);
    case 'time-window':
      return new TimeWire(rule);
    case 'slow-calls':
      return new SlowWire(rule);
  }
}

type Rule<Kind extends TripRule['kind']> = Extract<TripRule, { kind: Kind }>;

const shareOf = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);

class ConsecutiveWire implements Tripwire {
  private inARow = 0;

  constructor(private readonly rule: Rule<'consecutive'>) {}

  came(isGood: boolean): boolean {
    this.inARow = isGood ? 0 : this.inARow + 1;
    return this.inARow >= this.rule.failures;
  }

  /** In which order others failed is not known, so that they cannot have failed in a row. */
  hear(): boolean {
    return false;
  }

  evidence(): TripEvidence {
    const { inARow: failures, rule } = this;
    const share = Math.min(1, failures / rule.failures);
    return { rule: rule.kind, calls: failures, failures, slow: 0, share, threshold: 1 };
  }

  clear(): void {
    this.inARow = 0;
  }
}

class CountWire implements Tripwire {
  private readonly window: CountWindow;

  constructor(private readonly rule: Rule<'count-window'>) {
    this.window = new CountWindow(rule.calls);
  }

  came(isGood: boolean): boolean {
    this.window.add(!isGood);
    return this.isTripped();
  }

  hear(calls: number, failures: number): boolean {
    this.window.addMany(calls, failures);
    return this.isTripped();
  }

  evidence(): TripEvidence {
    const { calls, failures } = this.window;
    const share = shareOf(failures, calls);
    const threshold = this.rule.failureShare;
    return { rule: this.rule.kind, calls, failures, slow: 0, share, threshold };
  }

  clear(): void {
    this.window.clear();
  }

  private isTripped(): boolean {
    const { calls, failures } = this.window;
    return calls >= this.rule.callsMin && failures >= calls * this.rule.failureShare;
  }
}

class TimeWire implements Tripwire {
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

class SlowWire implements Tripwire {
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
