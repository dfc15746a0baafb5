import type { TripRule } from './breaker-policy';
import type { Counts } from './sliding-counts';

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

/** The rule of one kind. */
export type Rule<Kind extends TripRule['kind']> = Extract<TripRule, { kind: Kind }>;
