import { CallEnding, Endpoint } from './endpoint';
import { hashOf } from './hash';
import { PeakEwma } from './peak-ewma';
import { RecentSuccess } from './recent-success';

export type EjectionCause = 'consecutive-failures' | 'success-rate';

const TIMED_EVERY_MS = 1;

/** What is known of an endpoint from the calls to it. Lives as long as its id is listed. */
export class Member<E extends Endpoint> {
  readonly hash: number;
  readonly latency: PeakEwma;
  readonly success: RecentSuccess;
  /** Calls that went out and have not come back. */
  underWay = 0;
  /** Turns it is owed, or if below 0 has had too early. */
  credit = 0;
  isListed = true;
  /** Whether a sticky key that it holds may stay with it. */
  mayKeep = false;

  /** Since the last sweep. */
  calls = 0;
  failures = 0;
  failuresInRow = 0;
  /** Below the present: not ejected. */
  ejectedUntilMs = -Infinity;
  ejectionCause: EjectionCause | undefined;
  /** How often it was ejected, less one for every quiet interval since. */
  ejections = 0;

  /** Calls that came back since {@link tell}; those given up on are neither. */
  private good = 0;
  private bad = 0;

  /** @param sinceMs When it became ready for calls; -Infinity: it is warm. */
  constructor(
    public endpoint: E,
    public sinceMs: number,
    decayMs: number,
  ) {
    this.hash = hashOf(endpoint.id);
    this.latency = new PeakEwma(decayMs);
    this.success = new RecentSuccess(decayMs);
  }

  isEjected(nowMs: number): boolean {
    return nowMs < this.ejectedUntilMs;
  }

  /** Healthy as far as health checks and calls can tell; it may be draining. */
  isWell(nowMs: number): boolean {
    return this.endpoint.isHealthy && !this.isEjected(nowMs);
  }

  /** The start of its latest time of being ready. */
  readyMs(): number {
    return Math.max(this.sinceMs, this.ejectedUntilMs);
  }

  /** The next snapshot's word on it. */
  relist(endpoint: E, nowMs: number): void {
    if (endpoint.isHealthy && !this.endpoint.isHealthy) this.sinceMs = nowMs;
    this.endpoint = endpoint;
  }

  /**
   * Whether a call that begins now is to be timed. Reading the clock is dear: who was timed within the
   * last millisecond need not be timed again. Asked as a call begins, so that slow ones are not left out.
   */
  isToBeTimed(nowMs: number): boolean {
    return nowMs - this.latency.stampedMs >= TIMED_EVERY_MS;
  }

  /** @param latencyMs undefined: it was not timed; only of one that ended well. */
  ended(ending: CallEnding, latencyMs: number | undefined, nowMs: number): void {
    this.underWay--;
    if (ending === 'ok') return this.endedWell(latencyMs, nowMs);
    // Failing fast is not being fast: a failure can only make it look slower.
    if (latencyMs !== undefined) this.latency.sawAtLeast(latencyMs, nowMs);
    if (ending === 'abandoned') return;
    this.success.saw(false, nowMs);
    this.bad++;
  }

  private endedWell(latencyMs: number | undefined, nowMs: number): void {
    if (latencyMs !== undefined) this.latency.saw(latencyMs, nowMs);
    this.success.saw(true, nowMs);
    this.good++;
  }

  /** How calls to it ended since it was last asked. */
  tell(): { readonly ok: number; readonly failed: number } {
    const told = { ok: this.good, failed: this.bad };
    this.good = this.bad = 0;
    return told;
  }
}
