import type { DataOf, healthContract } from '@downbeat/contracts';
import { instantOf, type Instant } from '@downbeat/eventsourcing';
import type {
  BreakerMode,
  BreakerState,
  CallInterval,
  Cause,
  Forced,
  Noted,
  TripEvidence,
} from '@downbeat/resilience';
import type { BreakerNews, BreakerView } from './held-breakers';

export type Report = DataOf<typeof healthContract.reportBreakers>;
type Held = Report['breakers'][number];
type Said = Held['transitions'][number];

const REASON_LENGTH_MAX = 500;

/** A breaker in the words of the suite: how it is, and what is new of it. */
export function heldOf(
  { key, thresholds, follows, ...view }: BreakerView,
  { transitions, lost, intervals, carriedOut }: BreakerNews,
  calendarOffsetMs: number,
): Held {
  const dated = (ms: number): Instant => instantOf(Math.round(ms + calendarOffsetMs));
  return {
    service_name: key.source,
    target_service: key.target,
    endpoint_pattern: key.pattern,
    state: stateOf(view.state),
    mode: modeOf(view.mode),
    ...(view.sinceMs !== undefined && { since: dated(view.sinceMs) }),
    ...(view.nextAttemptMs !== undefined && { next_attempt_at: dated(view.nextAttemptMs) }),
    ...(view.lastFailureMs !== undefined && { last_failure_at: dated(view.lastFailureMs) }),
    failure_count: view.counted,
    success_count: view.trial?.successes ?? 0,
    failure_threshold: thresholds.failures,
    success_threshold: thresholds.successes,
    timeout_duration: thresholds.openSeconds,
    ...(follows !== undefined && { follows }),
    transitions: transitions.map(transitionOf),
    transitions_lost: lost,
    calls: intervals.map(intervalOf),
    orders_done: carriedOut.map(({ breakerId, orderNo, atMs }) => ({
      breaker_id: breakerId,
      order_no: orderNo,
      at: instantOf(atMs),
    })),
  };
}

function transitionOf({ transition, calendarOffsetMs }: Noted): Said {
  const dated = (ms: number): Instant => instantOf(Math.round(ms + calendarOffsetMs));
  const { from, to, mode, atMs, untilMs, cause } = transition;
  return {
    at: dated(atMs),
    from: stateOf(from),
    to: stateOf(to),
    mode: modeOf(mode),
    ...(untilMs !== undefined && { until: dated(untilMs) }),
    cause: causeOf(cause, dated),
  };
}

function causeOf(cause: Cause, dated: (ms: number) => Instant): Said['cause'] {
  const forced = ({ untilMs, reason }: Forced) => ({
    until: dated(untilMs),
    reason: reason.slice(0, REASON_LENGTH_MAX),
  });
  switch (cause.kind) {
    case 'tripped':
      return { kind: 'tripped', evidence: { ...cause.evidence, rule: ruleOf(cause.evidence) } };
    case 'waited':
      return { kind: 'waited' };
    case 'trial-failed':
      return { kind: 'trial_failed', was_slow: cause.wasSlow, successes: cause.successes };
    case 'trial-unanswered': {
      const { underWay: under_way, successes } = cause;
      return { kind: 'trial_unanswered', under_way, successes };
    }
    case 'trial-passed':
      return { kind: 'trial_passed', successes: cause.successes };
    case 'forced':
      return { kind: 'forced', ...forced(cause.forced) };
    case 'force-expired':
      return { kind: 'force_expired', ...forced(cause.forced) };
    case 'force-lifted':
      return { kind: 'force_lifted', ...forced(cause.forced), why: cause.reason };
    case 'reset':
      return { kind: 'reset', reason: cause.reason };
  }
}

function ruleOf({ rule }: TripEvidence) {
  switch (rule) {
    case 'consecutive':
      return 'consecutive';
    case 'count-window':
      return 'count_window';
    case 'time-window':
      return 'time_window';
    case 'slow-calls':
      return 'slow_calls';
  }
}

const stateOf = (state: BreakerState): Held['state'] =>
  state === 'half-open' ? 'half_open' : state;

function modeOf(mode: BreakerMode): Held['mode'] {
  switch (mode) {
    case 'automatic':
      return 'automatic';
    case 'forced-open':
      return 'forced_open';
    case 'forced-closed':
      return 'forced_closed';
    case 'metrics-only':
      return 'metrics_only';
  }
}

const intervalOf = (one: CallInterval): Held['calls'][number] => ({
  from: instantOf(one.fromMs),
  seconds: Math.round(one.lastsMs / 1_000),
  calls: one.calls,
  failures: one.failures,
  slow: one.slow,
  refused: one.refused,
  failures_in_a_row: one.failuresInARow,
});
