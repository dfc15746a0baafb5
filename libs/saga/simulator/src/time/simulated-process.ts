/** What a process of the simulation is to its clocks and its scheduler. */
export class SimulatedProcess {
  isAlive = true;
  /** Until then it does nothing, and notices nothing; in the world's time. */
  frozenUntil = 0;
  /** How wrong its wall clock is; anybody may set it. */
  wallErrorMs = 0;
  /** What its monotonic clock stood still for. */
  private suspendedMs = 0;

  /** @param rate Of its monotonic clock: 1.0001 gains 0.1 ms a second. */
  constructor(
    readonly name: string,
    private readonly bornAt: number,
    readonly rate: number,
  ) {}

  freeze(now: number, ms: number): void {
    this.frozenUntil = Math.max(this.frozenUntil, now + ms);
  }

  /** Frozen, as a virtual machine is: its monotonic clock knows nothing of it. */
  suspend(now: number, ms: number): void {
    if (now + ms <= this.frozenUntil) return;
    this.suspendedMs += now + ms - Math.max(now, this.frozenUntil);
    this.frozenUntil = now + ms;
  }

  get wasSuspended(): boolean {
    return this.suspendedMs > 0;
  }

  /** Never goes back while the process runs. */
  monotonicAt(now: number): number {
    return (now - this.bornAt) * this.rate - this.suspendedMs;
  }

  wallAt(now: number): number {
    return Math.floor(now + this.wallErrorMs);
  }
}
