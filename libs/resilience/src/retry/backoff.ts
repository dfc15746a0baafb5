/** How long lies between one attempt and the next, in milliseconds. */
export type Backoff =
  | { readonly kind: 'immediate' }
  | { readonly kind: 'fixed'; readonly delayMs: number }
  | { readonly kind: 'linear'; readonly firstMs: number; readonly stepMs: number }
  | { readonly kind: 'exponential'; readonly firstMs: number; readonly factor: number };

/**
 * `full`: anything up to the delay; `equal`: at least half of it.
 *
 * @see Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog 2015.
 */
export type Jitter = 'none' | 'full' | 'equal';

/**
 * @param retry 1 for the first.
 * @param maxMs No delay is longer.
 * @param chance From 0 to 1.
 */
export function delayMs(
  backoff: Backoff,
  jitter: Jitter,
  retry: number,
  maxMs: number,
  chance: number,
): number {
  const fullMs = Math.min(maxMs, withoutJitter(backoff, retry));
  switch (jitter) {
    case 'none':
      return fullMs;
    case 'full':
      return fullMs * chance;
    case 'equal':
      return fullMs * (0.5 + 0.5 * chance);
  }
}

function withoutJitter(backoff: Backoff, retry: number): number {
  switch (backoff.kind) {
    case 'immediate':
      return 0;
    case 'fixed':
      return backoff.delayMs;
    case 'linear':
      return backoff.firstMs + backoff.stepMs * (retry - 1);
    case 'exponential':
      return backoff.firstMs * backoff.factor ** (retry - 1);
  }
}
