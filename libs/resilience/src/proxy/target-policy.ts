import { BALANCER_POLICY, type BalancerPolicy } from '../balancing/policy';
import { BULKHEAD_POLICY, type BulkheadPolicy } from '../bulkhead/bulkhead';
import type { GradientPolicy } from '../concurrency/gradient-limit';
import { isTargetsFault } from '../edge/guard';
import { HEDGE_POLICY, type HedgePolicy } from '../hedging/hedge-policy';
import { RETRY_BUDGET, type RetryBudgetOptions } from '../retry/retry-budget';
import { RETRY_POLICY, type RetryPolicy } from '../retry/retry-policy';

/** How a target is called, by everybody of this process. The breaker's policy is in its rules. */
export interface TargetPolicy {
  /** Of each attempt, in milliseconds. */
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  readonly retryBudget: RetryBudgetOptions;
  readonly balancer: BalancerPolicy;
  readonly bulkhead: BulkheadPolicy;
  /** Finds out how many calls it bears, within what the bulkhead lets pass; undefined: only that holds. */
  readonly adaptive: GradientPolicy | undefined;
  readonly hedge: HedgePolicy;
  /** Whether a breaker stands before it; without one its calls are neither reported nor ordered about. */
  readonly hasBreaker: boolean;
  /** Whether a failure is the target's and counts against it and the endpoint. */
  readonly isFault: (failure: unknown) => boolean;
}

const SESSIONS_MAX = 10_000;
/** When nobody is well: checks may be wrong then. While somebody is, whoever fails them gets no call. */
const NOBODY_IS_WELL = 1e-6;

/** Five seconds for an attempt, as for a dependency of which nothing else is said. */
export const TARGET_POLICY: TargetPolicy = {
  timeoutMs: 5_000,
  retry: RETRY_POLICY,
  retryBudget: RETRY_BUDGET,
  balancer: {
    ...BALANCER_POLICY,
    stickyKeysMax: SESSIONS_MAX,
    panicBelowShare: NOBODY_IS_WELL,
  },
  bulkhead: BULKHEAD_POLICY,
  adaptive: undefined,
  hedge: HEDGE_POLICY,
  hasBreaker: true,
  isFault: isTargetsFault,
};
