import type { ReportedTransition } from './breaker-reports';

type Cause = ReportedTransition['cause'];
type Evidence = Extract<Cause, { kind: 'tripped' }>['evidence'];

const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** Why a breaker changed, in one line for people. */
export function triggerOf(cause: Cause): string {
  switch (cause.kind) {
    case 'tripped':
      return `tripped: ${seen(cause.evidence)}`;
    case 'waited':
      return 'waited: it was open long enough, and a call came';
    case 'trial_failed':
      return `trial failed: a call ${cause.was_slow ? 'took too long' : 'failed'} after ${cause.successes} successes`;
    case 'trial_unanswered':
      return `trial failed: a call did not come back, ${cause.under_way} under way after ${cause.successes} successes`;
    case 'trial_passed':
      return `trial passed: ${cause.successes} successes`;
    case 'forced':
      return `forced until ${cause.until}: ${cause.reason}`;
    case 'force_expired':
      return `what was forced expired: ${cause.reason}`;
    case 'force_lifted':
      return `released: ${cause.why}`;
    case 'reset':
      return `reset: ${cause.reason}`;
  }
}

function seen({ rule, calls, failures, slow, share, threshold }: Evidence): string {
  switch (rule) {
    case 'consecutive':
      return `${failures} failures in a row`;
    case 'count_window':
      return `${failures} of the last ${calls} calls failed (${percent(share)}, allowed below ${percent(threshold)})`;
    case 'time_window':
      return `${failures} of ${calls} calls failed (${percent(share)}, allowed below ${percent(threshold)})`;
    case 'slow_calls':
      return `${slow} of ${calls} calls were slow (${percent(share)}, allowed below ${percent(threshold)})`;
  }
}
