export type RefusalCode =
  'resilience/breaker-open' | 'resilience/deadline-passed' | 'resilience/timed-out';

/**
 * An error without a stack: it is made thousands of times a second exactly when there is no time for
 * it, and always by the same line.
 */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly remedy = 'retry';

  /** @param retryAfterMs When asking again may help, as far as is known. */
  constructor(
    readonly code: RefusalCode,
    message: string,
    readonly retryAfterMs?: number,
  ) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = stackTraceLimit;
  }
}
