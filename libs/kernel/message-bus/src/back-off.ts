/** Exponential back-off with equal jitter: half of each delay is fixed, half is random. */
export interface BackOff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/**
 * @param attempt 1 for the first failure.
 * @param random  In [0, 1).
 * @see Marc Brooker, "Exponential Backoff And Jitter".
 */
export function backOffMs({ firstMs, maxMs }: BackOff, attempt: number, random: number): number {
  const ceiling = Math.min(maxMs, firstMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(ceiling / 2 + (ceiling / 2) * random);
}
