/**
 * What a failure says about trying again. `retryable`: the call had no effect, so that it can be made
 * again. `final`: the answer would be the same. `unknown`: it may have had its effect; only a call
 * that may be repeated is made again.
 */
export type Verdict = 'retryable' | 'final' | 'unknown';

export interface ClassificationRules {
  /** By HTTP status, from `status` or `statusCode` of the failure. */
  readonly statuses?: Readonly<Record<number, Verdict>>;
  /** By `code` of the failure or of one of its causes. */
  readonly codes?: Readonly<Record<string, Verdict>>;
  /** Asked first; undefined: it does not know. */
  readonly predicate?: (failure: unknown) => Verdict | undefined;
}

const STATUSES: Readonly<Record<number, Verdict>> = {
  // Request time-out, internal error, bad gateway, gateway time-out: it may have happened.
  408: 'unknown',
  500: 'unknown',
  502: 'unknown',
  504: 'unknown',
  // Too early, too many, unavailable: it was not looked at.
  425: 'retryable',
  429: 'retryable',
  503: 'retryable',
};

const CODES: Readonly<Record<string, Verdict>> = {
  ECONNREFUSED: 'retryable',
  EAI_AGAIN: 'retryable',
  EHOSTUNREACH: 'retryable',
  ENETUNREACH: 'retryable',
  UND_ERR_CONNECT_TIMEOUT: 'retryable',
  ENOTFOUND: 'final',
  // Nothing that could be sent: what the caller put into it is no header, path or method.
  UND_ERR_INVALID_ARG: 'final',
  // The breaker knows better than the next attempt, and time that is over does not come back.
  'resilience/breaker-open': 'final',
  'resilience/deadline-passed': 'final',
  'resilience/aborted': 'final',
  // Who has too much to do is not helped by more.
  'resilience/bulkhead-full': 'final',
  'resilience/queue-timed-out': 'final',
  'resilience/no-endpoint': 'retryable',
  'resilience/timed-out': 'unknown',
};

const CAUSES_MAX = 5;

interface Details {
  readonly outcome?: unknown;
  readonly status?: unknown;
  readonly statusCode?: unknown;
  readonly code?: unknown;
  readonly cause?: unknown;
}

/** The rules given come before those that hold everywhere. */
export function classifier(rules: ClassificationRules = {}): (failure: unknown) => Verdict {
  const statuses = { ...STATUSES, ...rules.statuses };
  const codes = new Map(Object.entries({ ...CODES, ...rules.codes }));
  return (failure) => {
    const judged = rules.predicate?.(failure);
    if (judged) return judged;
    let one = detailsOf(failure);
    for (let depth = 0; one && depth < CAUSES_MAX; depth++) {
      // A call of several attempts: the last of them had no effect, and another one may have had.
      if (one.outcome === 'unknown') return 'unknown';
      const status = one.status ?? one.statusCode;
      if (typeof status === 'number') return statuses[status] ?? byClass(status);
      const byCode = typeof one.code === 'string' ? codes.get(one.code) : undefined;
      if (byCode) return byCode;
      one = detailsOf(one.cause);
    }
    return 'unknown';
  };
}

/** The target understood and said no, or it broke down at something unheard of. */
const byClass = (status: number): Verdict => (status >= 400 && status < 500 ? 'final' : 'unknown');

const detailsOf = (value: unknown): Details | undefined =>
  typeof value === 'object' && value !== null ? value : undefined;
