/** What opens a breaker. Shares are from 0 to 1, times in milliseconds. */
export type TripRule =
  /** So many failures of its own, one after the other. */
  | { readonly kind: 'consecutive'; readonly failures: number }
  /** Of the last `calls` calls, whenever they were, so large a share failed. */
  | {
      readonly kind: 'count-window';
      readonly calls: number;
      readonly callsMin: number;
      readonly failureShare: number;
    }
  /** Of the calls of the last `windowMs`, at least `callsMin`, so large a share failed. */
  | {
      readonly kind: 'time-window';
      readonly windowMs: number;
      readonly callsMin: number;
      readonly failureShare: number;
    }
  /** Of the calls of the last `windowMs`, at least `callsMin`, so large a share took `slowMs` or longer. */
  | {
      readonly kind: 'slow-calls';
      readonly windowMs: number;
      readonly callsMin: number;
      readonly slowMs: number;
      readonly slowShare: number;
    };

export interface OpenTime {
  /** How long it stays open the first time. */
  readonly firstMs: number;
  /** By how much longer each time a trial fails; 1: always the same. */
  readonly factor: number;
  readonly maxMs: number;
  /** Up to this share is added or taken away, so that replicas do not come back together. */
  readonly jitterShare: number;
}

/** How an open breaker finds out whether its target is well again. A trial that fails ends at once. */
export type Release =
  /** Up to `permits` under way at once, until `successes` came back well. */
  | {
      readonly kind: 'permits';
      readonly permits: number;
      readonly successes: number;
      /** A permit that is not back by then has failed. */
      readonly answerMaxMs: number;
    }
  /** One, two, four, … up to `cohortMax`, each when the one before came back well. */
  | {
      readonly kind: 'cohorts';
      readonly cohortMax: number;
      /** Up to so long, as chance has it, lies between two cohorts. */
      readonly pauseMs: number;
      readonly answerMaxMs: number;
    };

export interface BreakerPolicy {
  /** Any one of them opens it; at least one. */
  readonly trips: readonly TripRule[];
  readonly open: OpenTime;
  readonly release: Release;
}

/** Half of at least twenty calls within ten seconds; then growing cohorts. */
export const BREAKER_POLICY: BreakerPolicy = {
  trips: [{ kind: 'time-window', windowMs: 10_000, callsMin: 20, failureShare: 0.5 }],
  open: { firstMs: 2_000, factor: 2, maxMs: 60_000, jitterShare: 0.25 },
  release: { kind: 'cohorts', cohortMax: 32, pauseMs: 500, answerMaxMs: 600_000 },
};

/** Five failures in a row open it for 60 s; three successes close it: the specification's defaults. */
export const CONSECUTIVE_POLICY: BreakerPolicy = {
  trips: [{ kind: 'consecutive', failures: 5 }],
  open: { firstMs: 60_000, factor: 1, maxMs: 60_000, jitterShare: 0.1 },
  release: { kind: 'permits', permits: 1, successes: 3, answerMaxMs: 60_000 },
};
