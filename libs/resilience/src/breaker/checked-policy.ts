import type { BreakerPolicy, Release, TripRule } from './breaker-policy';

/** Counts above this would only cost memory. */
const COUNT_MAX = 100_000;

/** @throws {RangeError} Says which number makes no sense: a policy comes from people. */
export function checkedPolicy(policy: BreakerPolicy): BreakerPolicy {
  if (policy.trips.length === 0) throw new RangeError('a breaker needs a rule that opens it');
  policy.trips.forEach(checkTrip);
  const { firstMs, factor, maxMs, jitterShare } = policy.open;
  positive('open.firstMs', firstMs);
  within('open.factor', factor, 1, 100);
  within('open.maxMs', maxMs, firstMs, Number.MAX_SAFE_INTEGER);
  within('open.jitterShare', jitterShare, 0, 1);
  checkRelease(policy.release);
  return policy;
}

function checkTrip(rule: TripRule): void {
  switch (rule.kind) {
    case 'consecutive':
      return count('consecutive.failures', rule.failures);
    case 'count-window':
      count('count-window.calls', rule.calls);
      within('count-window.callsMin', rule.callsMin, 1, rule.calls);
      return share('count-window.failureShare', rule.failureShare);
    case 'time-window':
      positive('time-window.windowMs', rule.windowMs);
      count('time-window.callsMin', rule.callsMin);
      return share('time-window.failureShare', rule.failureShare);
    case 'slow-calls':
      positive('slow-calls.windowMs', rule.windowMs);
      count('slow-calls.callsMin', rule.callsMin);
      positive('slow-calls.slowMs', rule.slowMs);
      return share('slow-calls.slowShare', rule.slowShare);
  }
}

function checkRelease(release: Release): void {
  positive('release.answerMaxMs', release.answerMaxMs);
  switch (release.kind) {
    case 'permits':
      count('release.permits', release.permits);
      return count('release.successes', release.successes);
    case 'cohorts':
      count('release.cohortMax', release.cohortMax);
      return within('release.pauseMs', release.pauseMs, 0, Number.MAX_SAFE_INTEGER);
  }
}

const positive = (name: string, value: number): void =>
  within(name, value, Number.MIN_VALUE, Number.MAX_SAFE_INTEGER);
/** A share of 0 would open it without a failure. */
const share = (name: string, value: number): void => within(name, value, Number.MIN_VALUE, 1);

function count(name: string, value: number): void {
  if (!Number.isInteger(value)) throw new RangeError(`${name} is a whole number, not ${value}`);
  within(name, value, 1, COUNT_MAX);
}

function within(name: string, value: number, min: number, max: number): void {
  if (!(value >= min && value <= max))
    throw new RangeError(`${name} lies between ${min} and ${max}, and is not ${value}`);
}
