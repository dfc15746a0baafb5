export interface SlowStart {
  /** So long after it became ready an endpoint has its whole weight. */
  readonly windowMs: number;
  /** 1: the weight grows evenly; above 1: faster at first. */
  readonly aggression: number;
  /** It begins with this share of its weight; above 0, at most 1. */
  readonly shareMin: number;
}

/**
 * The share of its weight an endpoint may have at this age.
 *
 * @see Envoy, "Slow start mode", whose formula this is.
 */
export function rampAt(slowStart: SlowStart, ageMs: number): number {
  const { windowMs, aggression, shareMin } = slowStart;
  if (ageMs >= windowMs) return 1;
  const age = Math.max(0, ageMs) / windowMs;
  return Math.max(shareMin, Math.pow(age, 1 / aggression));
}
