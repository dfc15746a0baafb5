/** What an exporter is told when nothing of its request was taken. */
export class RequestRefused extends Error {
  override readonly name = 'RequestRefused';

  constructor(
    readonly status: 400 | 413 | 415 | 429 | 503,
    message: string,
    /** Whole seconds after which it may be sent again. */
    readonly retryAfterSeconds?: number,
  ) {
    super(message);
  }
}
