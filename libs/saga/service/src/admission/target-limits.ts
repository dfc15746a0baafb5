/** What an operator allows a target, over all replicas; what is absent is not limited. */
export interface TargetLimits {
  readonly concurrency_max?: number | undefined;
  readonly rate_per_second?: number | undefined;
  readonly key_concurrency_max?: number | undefined;
  readonly key_rate_per_second?: number | undefined;
}

/**
 * A replica's part of what all replicas may do together. Each takes an equal part; rounding up means
 * that a limit of one holds with one replica only, and rounding down would let nobody call.
 */
export function shareOf(limits: TargetLimits, replicas: number): TargetLimits {
  const whole = (value: number | undefined) => value && Math.max(1, Math.ceil(value / replicas));
  const part = (value: number | undefined) => value && value / replicas;
  return {
    concurrency_max: whole(limits.concurrency_max),
    rate_per_second: part(limits.rate_per_second),
    key_concurrency_max: whole(limits.key_concurrency_max),
    key_rate_per_second: part(limits.key_rate_per_second),
  };
}
