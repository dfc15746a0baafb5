export type RefusalCode =
  | 'resilience/breaker-open'
  | 'resilience/bulkhead-full'
  | 'resilience/queue-timed-out'
  | 'resilience/no-endpoint'
  | 'resilience/deadline-passed'
  | 'resilience/timed-out'
  | 'resilience/answered-elsewhere'
  | 'resilience/aborted';

/** An error without a stack: made often, always by the same line, just when there is no time for it. */
export class StacklessError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message, options);
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** A call was not sent, or is not waited for any more. */
export class Refusal extends StacklessError {
  override readonly name = 'Refusal';
  readonly remedy = 'retry';

  /** @param retryAfterMs When asking again may help, as far as is known. */
  constructor(
    readonly code: RefusalCode,
    message: string,
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }
}
