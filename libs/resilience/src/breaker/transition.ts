import type { TripEvidence } from './tripwire';

export type BreakerState = 'closed' | 'open' | 'half-open';

/**
 * Who decides. `metrics-only` lets every call pass and goes on deciding for itself, so that its
 * transitions and refusals show what it would have done.
 */
export type ForcedMode = 'forced-open' | 'forced-closed' | 'metrics-only';
export type BreakerMode = 'automatic' | ForcedMode;

export interface Forced {
  readonly mode: ForcedMode;
  readonly untilMs: number;
  readonly reason: string;
}

/** Why a breaker changed, with what it knew. */
export type Cause =
  | { readonly kind: 'tripped'; readonly evidence: TripEvidence }
  /** The first call after it had been open long enough. */
  | { readonly kind: 'waited' }
  | { readonly kind: 'trial-failed'; readonly wasSlow: boolean; readonly successes: number }
  | { readonly kind: 'trial-unanswered'; readonly underWay: number; readonly successes: number }
  | { readonly kind: 'trial-passed'; readonly successes: number }
  | { readonly kind: 'forced'; readonly forced: Forced }
  | { readonly kind: 'force-expired'; readonly forced: Forced }
  | { readonly kind: 'force-lifted'; readonly forced: Forced; readonly reason: string }
  | { readonly kind: 'reset'; readonly reason: string };

export interface Transition {
  readonly from: BreakerState;
  readonly to: BreakerState;
  /** The mode it is in from now on. */
  readonly mode: BreakerMode;
  readonly atMs: number;
  readonly cause: Cause;
  /** Of the state it comes to, when that is `open`. */
  readonly untilMs?: number;
}
