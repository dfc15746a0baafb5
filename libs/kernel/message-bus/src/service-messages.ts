import type { DeadLetter } from './dead-letters';
import { HEADER, type MessageHeaders } from './headers';
import type { MessageProgress, StreamFigures } from './message-flow';

/** A durable pull consumer of the stream of services' messages, as the suite wants it. */
export interface MessageConsumer {
  /** No dots. */
  readonly durable: string;
  /** `message.critical.order-placed`, without the bus's prefix. */
  readonly filter: string;
  /** ISO 8601: what was published before is not for it. Never changes for one name. */
  readonly since: string;
  /** After so many deliveries the server itself gives a message up, and says so. Default: never. */
  readonly deliveriesMax?: number;
}

/** A message on its way to its stream. */
export interface ServiceMessage {
  /** Without the bus's prefix. */
  readonly subject: string;
  /** What has one that the stream got lately is not kept again. */
  readonly messageId: string;
  readonly headers: MessageHeaders;
  readonly payload: string | Uint8Array;
}

/** A message as its stream holds it. */
export interface StoredMessage {
  /** Without the bus's prefix. */
  readonly subject: string;
  readonly headers: MessageHeaders;
  readonly body: Uint8Array;
  /** When the stream got it. */
  readonly publishedAt: Date;
}

/** Where a message stands: in which life of the stream, and where there. */
export interface MessagePlace {
  readonly streamCreated: string;
  readonly sequence: number;
}

/** What the suite does for messages that services send one another: it keeps the stream, they read it. */
export abstract class ServiceMessages {
  /**
   * Makes the stream when it is missing, and anew when its files are gone, and those of the
   * consumers that are missing. Changes nothing when all is there.
   *
   * @returns The stream's time of creation: another one than before means that it was lost.
   */
  abstract ensure(consumers: readonly MessageConsumer[]): Promise<string>;

  /** Takes consumers away, with what they have not read. One that is not there is no fault. */
  abstract remove(durables: readonly string[]): Promise<void>;

  /** What a consumer has still to read, or has read and not acknowledged; 0 when it is not there. */
  abstract unread(durable: string): Promise<number>;

  /** Undefined: it is too old, or the stream is another one by now. */
  abstract read(place: MessagePlace): Promise<StoredMessage | undefined>;

  /** How far each consumer is; undefined while there is no stream. */
  abstract progress(): Promise<MessageProgress | undefined>;

  /**
   * Has the server say what becomes of the messages of consumers that were made before it was asked to, and takes
   * over how often they may deliver one.
   */
  abstract adjust(consumers: readonly MessageConsumer[]): Promise<void>;

  /** Takes messages away before anybody else gets them. Those that are gone are no fault. */
  abstract discard(streamCreated: string, sequences: readonly number[]): Promise<void>;

  /** All streams of the suite. */
  abstract figures(): Promise<readonly StreamFigures[]>;
}

/** The stream, and the subjects on it: `message.<priority>.<topic>`. */
export const MESSAGE_STREAM = 'message';
export const MESSAGE_LEAD = 'message.';
/** Dead letters that are sent again, for one consumer: `message.redriven.<consumer>.<priority>.<topic>`. */
export const REDRIVEN_LEAD = 'message.redriven.';

/** Where a dead letter goes when it is sent again: to whoever gave up on it, and nobody else. */
export const redriveSubject = (consumer: string, subject: string): string =>
  subject.startsWith(MESSAGE_LEAD)
    ? `${REDRIVEN_LEAD}${consumer}.${subject.slice(MESSAGE_LEAD.length)}`
    : `retry.${consumer}.${subject}`;

/**
 * The id that a dead letter goes out again with: a service that handled the message before must know it again, so
 * for services it is the sender's, and not what the quarantine could keep of it.
 */
export function idAsSent({
  subject,
  message_id,
  headers,
}: Pick<DeadLetter, 'subject' | 'message_id' | 'headers'>): string {
  if (!subject.startsWith(MESSAGE_LEAD)) return message_id;
  return headers[HEADER.originalId] || headers[HEADER.messageId] || message_id;
}
