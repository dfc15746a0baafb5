/**
 * A message that nobody acknowledged. `not-sent`: nobody will get it. `unknown`: it may be on its stream;
 * the same published again with the same message id within two minutes is there once, and later once more.
 */
export class MessageNotPublished extends Error {
  override readonly name: string = 'MessageNotPublished';
  readonly code: string = 'sdk/message-not-published';

  constructor(
    readonly topic: string,
    readonly outcome: 'not-sent' | 'unknown',
    message: string,
    options?: ErrorOptions,
  ) {
    super(`${topic}: ${message}`, options);
  }
}

/** A message that is larger than one may be. Nothing was sent. */
export class MessageTooLarge extends MessageNotPublished {
  override readonly name = 'MessageTooLarge';
  override readonly code = 'sdk/message-too-large';

  constructor(
    topic: string,
    /** Of payload and headers together. */
    readonly bytes: number,
    readonly bytesMax: number,
  ) {
    super(
      topic,
      'not-sent',
      `the message has ${bytes} bytes with its headers, at most ${bytesMax} are allowed`,
    );
  }
}
