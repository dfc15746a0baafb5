import { Fault } from '@downbeat/eventsourcing';

/** The server did not say which consumers a stream has. */
export class ConsumersNotListed extends Fault {
  override readonly name = 'ConsumersNotListed';
  readonly code = 'message-bus/consumers-not-listed';
  readonly remedy = 'retry';
}

/** There is no connection, or nobody takes the message. Nothing was sent, or nothing took it. */
export class BusUnavailable extends Fault {
  override readonly name = 'BusUnavailable';
  readonly code = 'message-bus/unavailable';
  readonly remedy = 'retry';
}

/** No outcome arrived in time. The command may still be carried out: ask again with the same id. */
export class NoOutcome extends Fault {
  override readonly name = 'NoOutcome';
  readonly code = 'message-bus/no-outcome';
  readonly remedy = 'retry';

  constructor(
    readonly subject: string,
    readonly commandId: string,
    readonly timeoutMs: number,
  ) {
    super(`no outcome of ${subject} within ${timeoutMs} ms`);
  }
}

/** A query was not answered: nobody answers this subject at all, or not in time. */
export class NoAnswer extends Fault {
  override readonly name = 'NoAnswer';
  readonly code = 'message-bus/no-answer';
  readonly remedy = 'retry';

  constructor(
    readonly subject: string,
    readonly why: 'nobody-answers' | 'timed-out' | 'not-an-outcome',
  ) {
    super(`${subject} got no answer: ${why}`);
  }
}

/** Whoever asked did not want it sent any more by the time it could be. Nothing was sent. */
export class RequestHeldBack extends Fault {
  override readonly name = 'RequestHeldBack';
  readonly code = 'message-bus/request-held-back';
  readonly remedy = 'give-up';

  constructor(readonly subject: string) {
    super(`the request for ${subject} was held back`);
  }
}

/** The message is larger than the server takes; it never will be taken. */
export class MessageTooLarge extends Fault {
  override readonly name = 'MessageTooLarge';
  readonly code = 'message-bus/message-too-large';
  readonly remedy = 'give-up';

  constructor(readonly subject: string) {
    super(`the message for ${subject} is larger than the server takes`);
  }
}

/** A subject has a part NATS cannot carry: empty, or with a blank, `*` or `>` in it. */
export class InvalidSubject extends Fault {
  override readonly name = 'InvalidSubject';
  readonly code = 'message-bus/invalid-subject';
  readonly remedy = 'give-up';

  constructor(readonly subject: string) {
    super(`${JSON.stringify(subject.slice(0, 200))} is not a subject a message can be sent to`);
  }
}

/** The stream a message belongs to does not exist. Ensure it and publish again. */
export class StreamMissing extends Fault {
  override readonly name = 'StreamMissing';
  readonly code = 'message-bus/stream-missing';
  readonly remedy = 'retry';

  constructor(readonly subject: string) {
    super(`no stream takes ${subject}`);
  }
}

/**
 * An acknowledgement says that the stream lost its files while the server ran, which anybody may have written. If the
 * server says so itself, the stream was made anew, empty: publish again, from the log.
 */
export class StreamBroken extends Fault {
  override readonly name = 'StreamBroken';
  readonly code = 'message-bus/stream-broken';
  readonly remedy = 'retry';

  constructor(readonly subject: string) {
    super(`the stream that takes ${subject} is said to store no more`);
  }
}

/** Some messages were not acknowledged; publishing all of them again with the same ids is safe. */
export class EventsNotConfirmed extends Fault {
  override readonly name = 'EventsNotConfirmed';
  readonly code = 'message-bus/events-not-confirmed';
  readonly remedy = 'retry';
}

/** Evidence is out of reach: the server does not answer, or refuses. Says nothing about what is kept. */
export class EvidenceNotRead extends Fault {
  override readonly name = 'EvidenceNotRead';
  readonly code = 'message-bus/evidence-not-read';
  readonly remedy = 'retry';

  constructor(
    readonly subject: string,
    options?: ErrorOptions,
  ) {
    super(`what is kept on ${subject} cannot be read`, options);
  }
}

/** `subscribe` was called on a bus that has nowhere to put messages that are given up on. */
export class NoDeadLetters extends Fault {
  override readonly name = 'NoDeadLetters';
  readonly code = 'message-bus/no-dead-letters';
  readonly remedy = 'give-up';

  constructor(readonly durable: string) {
    super(`${durable} cannot subscribe: the bus was given no place for dead letters`);
  }
}

/** A message came in on a consumer's inbox that JetStream did not send. */
export class MalformedAckSubject extends Fault {
  override readonly name = 'MalformedAckSubject';
  readonly code = 'message-bus/malformed-ack-subject';
  readonly remedy = 'give-up';

  constructor(readonly subject: string) {
    super(`${subject.slice(0, 200)} is no acknowledgement subject`);
  }
}
