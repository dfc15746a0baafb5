/** What became of the calls to a target; since when, whoever gives them says. */
export interface CallCounts {
  readonly calls: number;
  /** Ended with an answer of the target's. */
  readonly ok: number;
  readonly failed: number;
  readonly unknown: number;
  /** Attempts after the first, hedges not counted. */
  readonly retries: number;
  readonly hedges: number;
  /** Attempts that were not sent: breaker, bulkhead, time, nobody there. */
  readonly refused: number;
  readonly cached: number;
  readonly stale: number;
  readonly fallbacks: number;
}

export type MutableCallCounts = { -readonly [Name in keyof CallCounts]: number };

export const noCounts = (): MutableCallCounts => ({
  calls: 0,
  ok: 0,
  failed: 0,
  unknown: 0,
  retries: 0,
  hedges: 0,
  refused: 0,
  cached: 0,
  stale: 0,
  fallbacks: 0,
});
