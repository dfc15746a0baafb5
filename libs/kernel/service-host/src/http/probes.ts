/** One thing a process needs in order to work. */
export interface Probe {
  /** `postgres`, `nats`, `projections`. */
  readonly name: string;
  /** Whether it works now, and what an operator should know of it. Must answer from memory. */
  readonly check: () => ProbeResult;
}

export interface ProbeResult {
  readonly isReady: boolean;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** What the process is made of and whether each part works; parts add themselves as they start. */
export class Probes {
  private readonly probes: Probe[] = [];
  private stopping = false;

  add(probe: Probe): void {
    this.probes.push(probe);
  }

  /** From now on not ready: whoever balances load should look elsewhere. */
  stop(): void {
    this.stopping = true;
  }

  isReady(): boolean {
    return !this.stopping && this.probes.every((probe) => probe.check().isReady);
  }

  report(): {
    readonly status: 'ready' | 'not-ready' | 'stopping';
    readonly checks: Readonly<Record<string, ProbeResult>>;
  } {
    const checks = Object.fromEntries(this.probes.map((probe) => [probe.name, probe.check()]));
    const isReady = Object.values(checks).every((check) => check.isReady);
    return { status: this.stopping ? 'stopping' : isReady ? 'ready' : 'not-ready', checks };
  }
}
