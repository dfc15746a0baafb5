import { SlidingCounts } from './sliding-counts';

export interface BreakerPolicy {
  /** Evidence older than this is forgotten. */
  readonly windowMs: number;
  /** With fewer calls in the window nothing is concluded. */
  readonly callsMin: number;
  /** Opens when so large a share of the window's calls failed; from 0 to 1. */
  readonly failureShare: number;
  /** How long it stays open the first time; doubled each time the trial fails, up to `openMaxMs`. */
  readonly openMs: number;
  readonly openMaxMs: number;
  /** A trial is passed when a cohort of this size came back well; cohorts are 1, 2, 4, … */
  readonly cohortMax: number;
  /** Up to so long, as chance has it, lies between two cohorts. */
  readonly cohortPauseMs: number;
}

export const BREAKER_POLICY: BreakerPolicy = {
  windowMs: 10_000,
  callsMin: 20,
  failureShare: 0.5,
  openMs: 2_000,
  openMaxMs: 60_000,
  cohortMax: 32,
  cohortPauseMs: 500,
};

type State =
  | { readonly name: 'closed' }
  | { readonly name: 'open'; readonly untilMs: number }
  | {
      readonly name: 'half-open';
      readonly cohort: number;
      /** Of the cohort: may still go, and are on their way. */
      left: number;
      underWay: number;
      notBeforeMs: number;
    };

export type BreakerState = State['name'];

/** What a call goes out with, and comes back with. */
export interface Permit {
  readonly generation: number;
}

/**
 * Keeps calls away from a target that fails. After a while it lets a growing number of them try:
 * one, then two, then four, each cohort after the one before came back well, so that what has piled
 * up meanwhile does not knock the target over again. Decides on what this process saw and on what
 * others told it.
 *
 * @see Michael Nygard, "Release It!", ch. 5, Circuit Breaker.
 */
export class CircuitBreaker {
  private state: State = { name: 'closed' };
  private generation = 0;
  private openings = 0;
  private readonly counts: SlidingCounts;

  /** @param chance A random number from 0 to 1. */
  constructor(
    private readonly policy: BreakerPolicy,
    private readonly chance: () => number,
  ) {
    this.counts = new SlidingCounts(policy.windowMs);
  }

  get name(): BreakerState {
    return this.state.name;
  }

  /** Milliseconds until it is worth asking again; 0: go now; undefined: when a call comes back. */
  waitMs(nowMs: number): number | undefined {
    if (this.state.name === 'open' && nowMs >= this.state.untilMs) this.tryCohort(1, nowMs);
    switch (this.state.name) {
      case 'closed':
        return 0;
      case 'open':
        return this.state.untilMs - nowMs;
      case 'half-open':
        if (this.state.left === 0) return undefined;
        return Math.max(0, this.state.notBeforeMs - nowMs);
    }
  }

  /** Only after `waitMs` was 0. */
  take(): Permit {
    if (this.state.name === 'half-open') {
      this.state.left--;
      this.state.underWay++;
    }
    return { generation: this.generation };
  }

  /** What became of a call. */
  came(permit: Permit, isGood: boolean, nowMs: number): void {
    // A call from before the last change says nothing about the target as it is now.
    if (permit.generation !== this.generation) return;
    if (this.state.name === 'half-open') return this.cameFromTrial(isGood, nowMs);
    this.hear(1, isGood ? 0 : 1, nowMs);
  }

  /** A permit that was not used. */
  giveBack(permit: Permit): void {
    if (permit.generation !== this.generation || this.state.name !== 'half-open') return;
    this.state.left++;
    this.state.underWay--;
  }

  /** Adds what was seen, here or elsewhere. */
  hear(calls: number, failures: number, nowMs: number): void {
    if (this.state.name !== 'closed') return;
    this.counts.add(calls, failures, nowMs);
    const sum = this.counts.sum(nowMs);
    const isEnough = sum.calls >= this.policy.callsMin;
    if (isEnough && sum.failures >= sum.calls * this.policy.failureShare) this.open(nowMs);
  }

  private cameFromTrial(isGood: boolean, nowMs: number): void {
    if (this.state.name !== 'half-open') return;
    if (!isGood) return this.open(nowMs);
    this.state.underWay--;
    const { cohort, left, underWay } = this.state;
    if (left > 0 || underWay > 0) return;
    if (cohort >= this.policy.cohortMax) return this.close();
    this.tryCohort(cohort * 2, nowMs, this.policy.cohortPauseMs * this.chance());
  }

  private open(nowMs: number): void {
    const { openMs, openMaxMs } = this.policy;
    const fullMs = Math.min(openMs * 2 ** this.openings, openMaxMs);
    this.openings++;
    // Replicas that opened together do not come back together.
    this.become({ name: 'open', untilMs: nowMs + fullMs * (0.75 + 0.5 * this.chance()) });
  }

  private tryCohort(cohort: number, nowMs: number, pauseMs = 0): void {
    const notBeforeMs = nowMs + pauseMs;
    this.become({ name: 'half-open', cohort, left: cohort, underWay: 0, notBeforeMs });
  }

  private close(): void {
    this.openings = 0;
    this.become({ name: 'closed' });
  }

  private become(state: State): void {
    this.state = state;
    this.generation++;
    this.counts.clear();
  }
}
