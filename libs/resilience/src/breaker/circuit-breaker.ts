import type { BreakerPolicy } from './breaker-policy';
import { noTotals, type BreakerStatistics, type BreakerTotals } from './breaker-statistics';
import { checkedPolicy } from './checked-policy';
import type { Counts } from './sliding-counts';
import { BreakerGate } from './breaker-gate';
import type { BreakerState, ForcedMode, Transition } from './transition';
import type { Permit } from './trial';
import type { Tripwire } from './tripwire';
import { wireOf } from './wire-of';

/** Of a call that metrics-only mode let pass: it moves nothing. */
const SHADOW: Permit = { generation: -1 };

/**
 * Keeps calls away from a target that fails, and finds out with a few of them whether it is well
 * again. Decides on what this process saw and on what others told it. Reading it changes nothing:
 * what time has done to it takes effect with the next call, result, order or {@link advance}.
 *
 * @see Michael Nygard, "Release It!", ch. 5, Circuit Breaker.
 */
export class CircuitBreaker {
  private readonly totals = noTotals();
  private readonly gate: BreakerGate;
  private wires: readonly Tripwire[] = [];
  private slowMs = Number.POSITIVE_INFINITY;
  private told: Counts = { calls: 0, failures: 0, slow: 0 };
  private lastFailureMs: number | undefined;
  /** Which of its calls failed last, how many before it without a good one between, and the most of late. */
  private lastFailure = 0;
  private inARow = 0;
  private longestRow = 0;

  /**
   * @param chance A random number from 0 to 1.
   * @param onTransition Told after the change; it may read the breaker and is not to throw.
   * @throws {RangeError} The policy makes no sense.
   */
  constructor(
    policy: BreakerPolicy,
    chance: () => number,
    onTransition: (transition: Transition) => void = () => undefined,
  ) {
    this.gate = new BreakerGate(checkedPolicy(policy), chance, (transition) => {
      this.totals.transitions++;
      if (transition.to === 'open' && transition.from !== 'open') this.totals.openings++;
      onTransition(transition);
    });
    this.arm(policy);
  }

  /** As it was left by the last call: one that is open long enough is `open` until somebody tries. */
  get name(): BreakerState {
    return this.gate.name;
  }

  /** Whether it matters when a call comes back well, and how long that took. */
  get isTiming(): boolean {
    return this.slowMs !== Number.POSITIVE_INFINITY || !this.gate.isPlain;
  }

  /** Milliseconds until it is worth asking again; 0: go now. Sooner when a call comes back well. */
  waitMs(nowMs: number): number {
    return this.gate.isPlain ? 0 : this.gate.waitMs(nowMs);
  }

  /**
   * Only after `waitMs` was 0. Every permit comes back once, with {@link came} or {@link giveBack}.
   *
   * @throws {RangeError} It lets nobody pass.
   */
  take(nowMs: number): Permit {
    const { gate: own } = this;
    if (own.isPlain) return own.permit;
    own.settleForce(nowMs);
    if (own.isShadow && own.baseWaitMs(nowMs) !== 0) {
      this.totals.refusedInShadow++;
      return SHADOW;
    }
    return own.take(nowMs);
  }

  /** {@link waitMs} and {@link take} in one; undefined, and counted, when it lets nobody pass. */
  tryTake(nowMs: number): Permit | undefined {
    const { gate: own } = this;
    if (own.isPlain) return own.permit;
    own.settle(nowMs);
    if (own.waitMs(nowMs) === 0) return this.take(nowMs);
    this.totals.refused++;
    return undefined;
  }

  /** What became of a call. @param tookMs How long it took, for rules about slow calls. */
  came(permit: Permit, isGood: boolean, nowMs: number, tookMs = 0): void {
    const { gate: own } = this;
    this.count(isGood, nowMs, tookMs);
    if (!own.isPlain) own.settle(nowMs);
    // A call from before the last change says nothing about the target as it is now.
    if (permit.generation !== own.generation) return;
    if (own.name !== 'closed')
      return own.cameFromTrial(permit, isGood, tookMs >= this.slowMs, nowMs);
    let tripped: Tripwire | undefined;
    const { wires } = this;
    // Every rule sees it; the first of those that open it is the reason. Counted, since each call comes by.
    for (let at = 0; at < wires.length; at++) {
      const wire = wires[at];
      if (wire?.came(isGood, tookMs, nowMs)) tripped ??= wire;
    }
    if (tripped) this.trip(tripped, nowMs);
  }

  /** A permit that was not used. */
  giveBack(permit: Permit): void {
    this.gate.giveBack(permit);
  }

  /** Adds what another process saw; this one decides for itself what that means. */
  hear(calls: number, failures: number, nowMs: number, slow = 0): void {
    this.totals.heardCalls += calls;
    this.totals.heardFailures += failures;
    this.gate.settle(nowMs);
    if (this.gate.name !== 'closed') return;
    let tripped: Tripwire | undefined;
    for (const wire of this.wires) if (wire.hear(calls, failures, slow, nowMs)) tripped ??= wire;
    if (tripped) this.trip(tripped, nowMs);
  }

  /** What this process itself saw since it was last asked, for others to hear. */
  tell(): Counts {
    const { calls, failures, slow } = this.totals;
    const { told } = this;
    this.told = { calls, failures, slow };
    return {
      calls: calls - told.calls,
      failures: failures - told.failures,
      slow: slow - told.slow,
    };
  }

  /** The longest row of failures, part of which came since it was last asked. */
  takeLongestRow(): number {
    const longest = this.longestRow;
    this.longestRow = this.lastFailure === this.totals.calls ? this.inARow : 0;
    return longest;
  }

  /** What it has counted since it was made: the object it counts in. */
  get counted(): Readonly<BreakerTotals> {
    return this.totals;
  }

  /** @throws {RangeError} It would have ended already or never ends, or nobody says why. */
  force(mode: ForcedMode, untilMs: number, reason: string, nowMs: number): void {
    this.gate.force({ mode, untilMs, reason }, nowMs);
    if (mode !== 'metrics-only') this.clear();
  }

  /** Ends what was forced before its time. After `forced-open` the target is tried at once. */
  lift(reason: string, nowMs: number): void {
    this.gate.lift(reason, nowMs);
  }

  /** Closed, as if nothing had been seen; nothing is forced any more. */
  reset(reason: string, nowMs: number): void {
    this.gate.reset(reason, nowMs);
    this.clear();
  }

  /** Does what time has done: for whoever wants to hear of it before the next call. */
  advance(nowMs: number): void {
    this.gate.settle(nowMs);
  }

  /** Another policy from now on; what its rules have seen begins anew. */
  follow(policy: BreakerPolicy): void {
    this.gate.follow(checkedPolicy(policy));
    this.arm(policy);
  }

  /** Whether nothing would be lost with it but its totals: nobody called it for long enough. */
  isAtRest(nowMs: number): boolean {
    if (!this.gate.isPlain) return this.gate.isAbandoned(nowMs);
    return this.wires.every((wire) => wire.evidence(nowMs).calls === 0);
  }

  statistics(nowMs: number): BreakerStatistics {
    return {
      ...this.gate.view(nowMs),
      totals: { ...this.totals },
      rules: this.wires.map((wire) => wire.evidence(nowMs)),
      ...(this.lastFailureMs !== undefined && { lastFailureMs: this.lastFailureMs }),
    };
  }

  private trip(wire: Tripwire, nowMs: number): void {
    if (this.gate.isHeldClosed) return;
    this.gate.open(nowMs, { kind: 'tripped', evidence: wire.evidence(nowMs) });
    this.clear();
  }

  private count(isGood: boolean, nowMs: number, tookMs: number): void {
    this.totals.calls++;
    if (tookMs >= this.slowMs) this.totals.slow++;
    if (!isGood) this.countFailure(nowMs);
  }

  private countFailure(nowMs: number): void {
    this.totals.failures++;
    this.lastFailureMs = nowMs;
    const { calls } = this.totals;
    this.inARow = this.lastFailure === calls - 1 ? this.inARow + 1 : 1;
    this.lastFailure = calls;
    if (this.inARow > this.longestRow) this.longestRow = this.inARow;
  }

  private arm({ trips }: BreakerPolicy): void {
    this.wires = trips.map(wireOf);
    this.slowMs = Math.min(
      ...trips.map((rule) => (rule.kind === 'slow-calls' ? rule.slowMs : Number.POSITIVE_INFINITY)),
    );
  }

  private clear(): void {
    for (const wire of this.wires) wire.clear();
  }
}
