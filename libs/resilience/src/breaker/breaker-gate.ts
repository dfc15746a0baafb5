import type { BreakerPolicy } from './breaker-policy';
import type { BreakerStatistics } from './breaker-statistics';
import type { BreakerState, Cause, Forced, Transition } from './transition';
import { Trial, type Permit } from './trial';

type State =
  | { readonly name: 'closed' }
  | { readonly name: 'open'; readonly untilMs: number }
  | { readonly name: 'half-open'; readonly trial: Trial };

const CLOSED: State = { name: 'closed' };

/**
 * The states of a breaker and the ways between them. What is forced lies over them: `forced-open` is
 * open until it expires, `forced-closed` is closed and not to be opened, `metrics-only` goes on
 * changing and holds up nobody.
 */
export class BreakerGate {
  /** Closed and nothing forced: nearly always, so that a call asks for nothing else. */
  isPlain = true;
  /** What calls go out with while it is closed: one for all of them. */
  permit: Permit = { generation: 0 };
  private state: State = CLOSED;
  private forced: Forced | undefined;
  private openings = 0;
  private sinceMs: number | undefined;
  private last: Transition | undefined;

  constructor(
    private policy: BreakerPolicy,
    private readonly chance: () => number,
    private readonly onTransition: (transition: Transition) => void,
  ) {}

  get name(): BreakerState {
    return this.state.name;
  }

  /** Rises with each change; permits are of one. */
  get generation(): number {
    return this.permit.generation;
  }

  get isShadow(): boolean {
    return this.forced?.mode === 'metrics-only';
  }

  get isHeldClosed(): boolean {
    return this.forced?.mode === 'forced-closed';
  }

  waitMs(nowMs: number): number {
    const { forced } = this;
    if (forced?.mode === 'metrics-only' && nowMs < forced.untilMs) return 0;
    return this.baseWaitMs(nowMs);
  }

  /** What it would say if nothing were forced. */
  baseWaitMs(nowMs: number): number {
    switch (this.state.name) {
      case 'closed':
        return 0;
      case 'open':
        return Math.max(0, this.state.untilMs - nowMs);
      case 'half-open': {
        const { trial } = this.state;
        const { dueMs } = trial;
        if (dueMs === undefined || nowMs < dueMs) return trial.waitMs(nowMs);
        // It has failed, although nobody has noticed yet.
        return Math.max(0, dueMs + trial.openMs - nowMs);
      }
    }
  }

  /** @throws {RangeError} It lets nobody pass. */
  take(nowMs: number): Permit {
    if (this.state.name === 'closed') return this.permit;
    if (this.state.name === 'open' && nowMs >= this.state.untilMs) return this.tryOut(nowMs);
    if (this.state.name === 'half-open' && this.state.trial.hasRoom(nowMs))
      return this.state.trial.take(nowMs);
    throw new RangeError(`a breaker that is ${this.state.name} lets no call pass now`);
  }

  cameFromTrial(permit: Permit, isGood: boolean, isSlow: boolean, nowMs: number): void {
    if (this.state.name !== 'half-open') return;
    const { trial } = this.state;
    if (!trial.comeBack(permit)) return;
    if (!isGood || isSlow) {
      const { successes } = trial;
      return this.open(nowMs, { kind: 'trial-failed', wasSlow: isGood, successes });
    }
    if (trial.wentWell(nowMs, this.chance) === 'going-on') return;
    this.openings = 0;
    this.become(CLOSED, nowMs, { kind: 'trial-passed', successes: trial.successes });
  }

  giveBack(permit: Permit): void {
    if (this.state.name === 'half-open') this.state.trial.giveBack(permit);
  }

  open(nowMs: number, cause: Cause): void {
    const openMs = this.state.name === 'half-open' ? this.state.trial.openMs : this.nextOpenMs();
    this.openings++;
    this.become({ name: 'open', untilMs: nowMs + openMs }, nowMs, cause);
  }

  force(forced: Forced, nowMs: number): void {
    const { mode, untilMs, reason } = forced;
    if (!(untilMs > nowMs && untilMs < Number.POSITIVE_INFINITY))
      throw new RangeError(`what is forced ends at a moment to come, not ${untilMs}`);
    checkReason(reason);
    this.lift(reason, nowMs);
    this.forced = forced;
    const cause: Cause = { kind: 'forced', forced };
    switch (mode) {
      case 'forced-open':
        return this.become({ name: 'open', untilMs }, nowMs, cause);
      case 'forced-closed':
        return this.become(CLOSED, nowMs, cause);
      case 'metrics-only':
        return this.stay(this.state, nowMs, cause);
    }
  }

  lift(reason: string, nowMs: number): void {
    checkReason(reason);
    this.settle(nowMs);
    const { forced } = this;
    if (!forced) return;
    this.forced = undefined;
    const state: State =
      forced.mode === 'forced-open' ? { name: 'open', untilMs: nowMs } : this.state;
    this.stay(state, nowMs, { kind: 'force-lifted', forced, reason });
  }

  reset(reason: string, nowMs: number): void {
    checkReason(reason);
    this.settle(nowMs);
    this.forced = undefined;
    this.openings = 0;
    this.become(CLOSED, nowMs, { kind: 'reset', reason });
  }

  follow(policy: BreakerPolicy): void {
    this.policy = policy;
  }

  /** What was forced ends at its time, and a trial without an answer fails at its time. */
  settle(nowMs: number): void {
    this.settleForce(nowMs);
    if (this.state.name !== 'half-open') return;
    const { underWay, successes, dueMs } = this.state.trial;
    if (dueMs !== undefined && nowMs >= dueMs)
      this.open(dueMs, { kind: 'trial-unanswered', underWay, successes });
  }

  settleForce(nowMs: number): void {
    const { forced } = this;
    if (!forced || nowMs < forced.untilMs) return;
    this.forced = undefined;
    this.stay(this.state, forced.untilMs, { kind: 'force-expired', forced });
  }

  /** Not closed, and nobody has tried for as long as it would ever be open. */
  isAbandoned(nowMs: number): boolean {
    const { state, forced } = this;
    if (state.name === 'closed' || (forced && nowMs < forced.untilMs)) return false;
    const sinceMs = state.name === 'open' ? state.untilMs : (state.trial.dueMs ?? this.sinceMs);
    return nowMs >= (sinceMs ?? nowMs) + 2 * this.policy.open.maxMs;
  }

  view(nowMs: number): Omit<BreakerStatistics, 'totals' | 'rules' | 'lastFailureMs'> {
    const { state, last, sinceMs } = this;
    const forced = this.forced && nowMs < this.forced.untilMs ? this.forced : undefined;
    const waitMs = this.baseWaitMs(nowMs);
    return {
      state: state.name,
      mode: forced?.mode ?? 'automatic',
      ...(forced && { forced }),
      ...(sinceMs !== undefined && { sinceMs }),
      ...(waitMs > 0 && { nextAttemptMs: nowMs + waitMs }),
      ...(state.name === 'half-open' && {
        trial: { underWay: state.trial.underWay, successes: state.trial.successes },
      }),
      ...(last && { lastTransition: last }),
    };
  }

  private tryOut(nowMs: number): Permit {
    const trial = new Trial(this.policy.release, this.generation + 1, this.nextOpenMs(), nowMs);
    this.become({ name: 'half-open', trial }, nowMs, { kind: 'waited' });
    return trial.take(nowMs);
  }

  private nextOpenMs(): number {
    const { firstMs, factor, maxMs, jitterShare } = this.policy.open;
    const fullMs = Math.min(firstMs * factor ** this.openings, maxMs);
    return fullMs * (1 - jitterShare + 2 * jitterShare * this.chance());
  }

  /** Permits of before are worth nothing from now on. */
  private become(state: State, nowMs: number, cause: Cause): void {
    this.permit = { generation: this.generation + 1 };
    this.stay(state, nowMs, cause);
  }

  private stay(state: State, atMs: number, cause: Cause): void {
    const from = this.state.name;
    if (from !== state.name) this.sinceMs = atMs;
    this.state = state;
    this.isPlain = state.name === 'closed' && !this.forced;
    const mode = this.forced?.mode ?? 'automatic';
    const until = state.name === 'open' && { untilMs: state.untilMs };
    this.last = { from, to: state.name, mode, atMs, cause, ...until };
    this.onTransition(this.last);
  }
}

function checkReason(reason: string): void {
  if (reason.trim() === '') throw new RangeError('who overrules a breaker says why');
}
