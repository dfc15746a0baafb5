/** What one check of an instance saw. `detail` is for people: `HTTP 503`, `timed out after 2000 ms`. */
export interface CheckResult {
  readonly isPassed: boolean;
  readonly detail: string;
}

export interface Thresholds {
  /** Failures in a row until an instance counts as unhealthy. */
  readonly failure_threshold: number;
  /** Successes in a row until it counts as healthy. */
  readonly success_threshold: number;
}

export type CheckedStatus = 'starting' | 'healthy' | 'unhealthy';

/** How an instance stands, and how many results in a row point the same way. */
export interface Observation {
  readonly status: CheckedStatus;
  readonly passes: number;
  readonly failures: number;
}

export const unobserved: Observation = { status: 'starting', passes: 0, failures: 0 };

/** The observation after one more result. A single odd result changes nothing unless the threshold is 1. */
export function observe(
  before: Observation,
  result: CheckResult,
  { failure_threshold, success_threshold }: Thresholds,
): Observation {
  if (result.isPassed) {
    const passes = before.passes + 1;
    const status = passes >= success_threshold ? 'healthy' : before.status;
    return { status, passes, failures: 0 };
  }
  const failures = before.failures + 1;
  const status = failures >= failure_threshold ? 'unhealthy' : before.status;
  return { status, passes: 0, failures };
}
