import type { BreakerMode, BreakerState, Forced, Transition } from './transition';
import type { TripEvidence } from './tripwire';

/** Since the breaker was made; a reset does not set them back. */
export interface BreakerTotals {
  /** Calls that came back. */
  calls: number;
  failures: number;
  /** As its rule for slow calls says; 0 without one. */
  slow: number;
  refused: number;
  /** Let pass in metrics-only mode, although it would have refused them. */
  refusedInShadow: number;
  heardCalls: number;
  heardFailures: number;
  openings: number;
  transitions: number;
}

export interface BreakerStatistics {
  readonly state: BreakerState;
  readonly mode: BreakerMode;
  readonly forced?: Forced;
  /** Since when it is in this state; undefined: since it was made. */
  readonly sinceMs?: number;
  /** When it lets somebody try, while it is open. */
  readonly nextAttemptMs?: number;
  readonly totals: Readonly<BreakerTotals>;
  /** What each of its rules has seen, in their order. */
  readonly rules: readonly TripEvidence[];
  readonly trial?: { readonly underWay: number; readonly successes: number };
  readonly lastFailureMs?: number;
  readonly lastTransition?: Transition;
}

export const noTotals = (): BreakerTotals => ({
  calls: 0,
  failures: 0,
  slow: 0,
  refused: 0,
  refusedInShadow: 0,
  heardCalls: 0,
  heardFailures: 0,
  openings: 0,
  transitions: 0,
});
