import { CountWindow } from './count-window';
import type { Rule, TripEvidence, Tripwire } from './tripwire';

export class ConsecutiveWire implements Tripwire {
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

export class CountWire implements Tripwire {
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
    const share = calls === 0 ? 0 : failures / calls;
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
