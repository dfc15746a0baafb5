import type { BreakerPolicy, Release, TripRule } from './breaker-policy';

/** A rule in the words of the suite's messages; `kind` and the fields are those of {@link TripRule}. */
export type SaidRule =
  | { readonly kind: 'consecutive'; readonly failures: number }
  | {
      readonly kind: 'count_window';
      readonly calls: number;
      readonly calls_min: number;
      readonly failure_share: number;
    }
  | {
      readonly kind: 'time_window';
      readonly window_seconds: number;
      readonly calls_min: number;
      readonly failure_share: number;
    }
  | {
      readonly kind: 'slow_calls';
      readonly window_seconds: number;
      readonly calls_min: number;
      readonly slow_ms: number;
      readonly slow_share: number;
    };

/** A policy as people say it; times in seconds unless named otherwise. */
export interface SaidPolicy {
  readonly failure_threshold: number;
  readonly success_threshold: number;
  /** How long it stays open. */
  readonly timeout_duration: number;
  readonly policy?:
    | {
        readonly rules?: readonly SaidRule[] | undefined;
        readonly permits?: number | undefined;
        readonly cohort_max?: number | undefined;
        readonly cohort_pause_ms?: number | undefined;
        readonly answer_seconds_max?: number | undefined;
        readonly open_factor?: number | undefined;
        readonly open_seconds_max?: number | undefined;
        readonly open_jitter_share?: number | undefined;
      }
    | undefined;
}

const ANSWER_SECONDS = 60;
const JITTER_SHARE = 0.1;
const COHORT_PAUSE_MS = 500;

/** The policy that was said; not checked yet. */
export function policyFrom(said: SaidPolicy): BreakerPolicy {
  const { failure_threshold: failures, timeout_duration, policy: more = {} } = said;
  const trips = more.rules?.map(ruleFrom) ?? [{ kind: 'consecutive', failures } as const];
  return {
    trips,
    open: {
      firstMs: timeout_duration * 1_000,
      factor: more.open_factor ?? 1,
      maxMs: (more.open_seconds_max ?? timeout_duration) * 1_000,
      jitterShare: more.open_jitter_share ?? JITTER_SHARE,
    },
    release: releaseFrom(said),
  };
}

function releaseFrom({ success_threshold: successes, policy: more = {} }: SaidPolicy): Release {
  const answerMaxMs = (more.answer_seconds_max ?? ANSWER_SECONDS) * 1_000;
  const { cohort_max: cohortMax, permits = 1 } = more;
  if (cohortMax === undefined) return { kind: 'permits', permits, successes, answerMaxMs };
  const pauseMs = more.cohort_pause_ms ?? COHORT_PAUSE_MS;
  return { kind: 'cohorts', cohortMax, pauseMs, answerMaxMs };
}

function ruleFrom(said: SaidRule): TripRule {
  switch (said.kind) {
    case 'consecutive':
      return said;
    case 'count_window': {
      const { calls, calls_min: callsMin, failure_share: failureShare } = said;
      return { kind: 'count-window', calls, callsMin, failureShare };
    }
    case 'time_window': {
      const { calls_min: callsMin, failure_share: failureShare } = said;
      return { kind: 'time-window', windowMs: said.window_seconds * 1_000, callsMin, failureShare };
    }
    case 'slow_calls': {
      const { calls_min: callsMin, slow_ms: slowMs, slow_share: slowShare } = said;
      const windowMs = said.window_seconds * 1_000;
      return { kind: 'slow-calls', windowMs, callsMin, slowMs, slowShare };
    }
  }
}

/** What the three plain numbers of a policy are, for those who want to see no more. */
export function thresholdsOf({ trips, open, release }: BreakerPolicy): {
  readonly failures: number;
  readonly successes: number;
  readonly openSeconds: number;
} {
  return {
    failures: Math.min(...trips.map(failuresThatTrip)),
    successes: release.kind === 'permits' ? release.successes : 2 * release.cohortMax - 1,
    openSeconds: open.firstMs / 1_000,
  };
}

/** The fewest failures, or slow calls, that can open it. */
function failuresThatTrip(rule: TripRule): number {
  switch (rule.kind) {
    case 'consecutive':
      return rule.failures;
    case 'count-window':
    case 'time-window':
      return Math.max(1, Math.ceil(rule.callsMin * rule.failureShare));
    case 'slow-calls':
      return Math.max(1, Math.ceil(rule.callsMin * rule.slowShare));
  }
}
