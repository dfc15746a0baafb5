/** How answers to calls are kept; times in milliseconds. */
export interface CachePolicy<Request, Answer> {
  /** So long an answer is given again without asking. */
  readonly ttlMs: number;
  /** So much longer it stands in for one that does not come; default 0. @see RFC 5861, 4. */
  readonly staleIfErrorMs?: number;
  /** So long it is remembered that there is nothing (404, 410, no answer in the answer); default 0. */
  readonly negativeTtlMs?: number;
  /** Names by which answers are invalidated together. */
  readonly tags?: readonly string[] | ((request: Request) => readonly string[]);
  /**
   * What an answer depends on, in place of method, path and session; undefined: this one is not to be
   * kept. Without it only safe methods are cached, and nothing that was asked with credentials: the
   * answer may be for one pair of eyes.
   */
  readonly key?: (request: Request) => string | undefined;
  /** Headers an answer depends on, in lower case. */
  readonly vary?: readonly string[];
  /** Whether an answer says that there is nothing; default: undefined or null. */
  readonly isNegative?: (answer: Answer) => boolean;
}

/** @throws {RangeError} A time makes no sense. */
export function checkCachePolicy(policy: CachePolicy<never, never>): void {
  const { ttlMs, staleIfErrorMs = 0, negativeTtlMs = 0 } = policy;
  for (const ms of [ttlMs, staleIfErrorMs, negativeTtlMs])
    if (!(ms >= 0 && ms < Infinity)) throw new RangeError(`answers are kept for a time, not ${ms}`);
}
