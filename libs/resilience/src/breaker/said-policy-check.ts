import { checkedPolicy } from './checked-policy';
import { placesOf } from './endpoint-pattern';
import { policyFrom, type SaidPolicy } from './said-policy';

/** What the checker calls a number, and what whoever said it called it. */
const SAID_AS: Readonly<Record<string, string>> = {
  'open.firstMs': 'timeout_duration',
  'open.factor': 'policy.open_factor',
  'open.maxMs': 'policy.open_seconds_max',
  'open.jitterShare': 'policy.open_jitter_share',
  'release.permits': 'policy.permits',
  'release.successes': 'success_threshold',
  'release.answerMaxMs': 'policy.answer_seconds_max',
  'release.cohortMax': 'policy.cohort_max',
  'release.pauseMs': 'policy.cohort_pause_ms',
};
const RULE_FIELD: Readonly<Record<string, string>> = {
  failures: 'failures',
  calls: 'calls',
  callsMin: 'calls_min',
  failureShare: 'failure_share',
  windowMs: 'window_seconds',
  slowMs: 'slow_ms',
  slowShare: 'slow_share',
};

/** A place of what was said that makes no sense, by its dot path. */
export interface WrongField {
  readonly field: string;
  readonly message: string;
}

/** Why a policy, or its pattern, cannot be followed; undefined: it can. */
export function wrongFieldOf(said: SaidPolicy, pattern: string): WrongField | undefined {
  const noPattern = refusalOf(() => placesOf(pattern));
  if (noPattern !== undefined) return { field: 'endpoint_pattern', message: noPattern };
  const policy = policyFrom(said);
  for (const [index, rule] of policy.trips.entries()) {
    const refused = refusalOf(() => checkedPolicy({ ...policy, trips: [rule] }));
    if (refused === undefined) continue;
    const [name = '', message] = split(refused);
    const place = said.policy?.rules ? `policy.rules.${index}.` : '';
    const own = RULE_FIELD[name.slice(name.indexOf('.') + 1)] ?? '';
    const field = SAID_AS[name] ?? (place === '' ? 'failure_threshold' : `${place}${own}`);
    return { field, message };
  }
  return undefined;
}

const split = (refusal: string): readonly [string, string] => {
  const at = refusal.indexOf(' ');
  return [refusal.slice(0, at), inSeconds(refusal.slice(at + 1), refusal.slice(0, at))];
};

/** The checker speaks of milliseconds, and people were asked for seconds. */
const inSeconds = (message: string, name: string): string =>
  /Ms$/.test(name) && !/slowMs|pauseMs/.test(name) ? `${message} (in milliseconds)` : message;

function refusalOf(check: () => unknown): string | undefined {
  try {
    check();
    return undefined;
  } catch (fault) {
    if (fault instanceof RangeError) return fault.message;
    throw fault;
  }
}
