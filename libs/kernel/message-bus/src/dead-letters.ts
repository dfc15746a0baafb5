import { createHash } from 'node:crypto';
import { HEADER, type MessageHeaders } from './headers';

/** A message that was given up on, with all that is needed to send it again. */
export interface DeadLetter {
  /** A UUID, the same however often the quarantine of this message is repeated. */
  readonly id: string;
  /** The original subject, without the bus's prefix. */
  readonly subject: string;
  /** The subscription's durable name. */
  readonly consumer: string;
  readonly message_id: string;
  /** One line, at most 500 characters; names the field where a field was wrong. */
  readonly reason: string;
  /** Deliveries up to now; of a redriven message, those since the redrive. */
  readonly attempts: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Byte for byte as it came; it may be no UTF-8. */
  readonly body: Uint8Array;
  readonly correlation_id: string;
  /** Of a redriven copy: which redrive it is of. */
  readonly redrive?: number;
}

/**
 * Where messages go that were given up on. The bus acknowledges a message only after `quarantine`
 * has returned; when it throws, the message stays on its stream and comes again.
 *
 * @see Dead letter channel: Hohpe and Woolf, Enterprise Integration Patterns.
 */
export abstract class DeadLetters {
  /**
   * Commits the letter. Called again with the same id after a crash between commit and
   * acknowledgement, and when a redriven message failed for good once more. A redrive under way is
   * ended by its own copy only: the original, or the copy of an earlier one, may come after it began.
   */
  abstract quarantine(letter: DeadLetter): Promise<void>;

  /** A redriven message was handled at last. Repeated calls are harmless. */
  abstract resolve(id: string): Promise<void>;
}

/** The message id of a redrive's copy. */
export const redriveMessageId = (letterId: string, redrive: number): string =>
  `${letterId}:${redrive}`;

/** Which redrive a copy is of. @param headers Of a message that came as a redriven one. */
export function redriveOf(headers: MessageHeaders): number | undefined {
  const letterId = headers[HEADER.deadLetter];
  const id = headers[HEADER.messageId] ?? '';
  const number = /:([1-9]\d{0,8})$/.exec(id)?.[1];
  if (!letterId || number === undefined) return undefined;
  const redrive = Number(number);
  return id === redriveMessageId(letterId, redrive) ? redrive : undefined;
}

/**
 * A name-based UUID (RFC 9562, version 8: SHA-256 cut to 128 bits) of one message's place in one
 * life of one stream, as one consumer sees it.
 *
 * @param streamCreated The stream's creation time, so that a stream made anew gives other ids.
 */
export function deadLetterId(
  stream: string,
  streamCreated: string,
  sequence: number,
  consumer: string,
): string {
  const bytes = createHash('sha256')
    .update([stream, streamCreated, sequence, consumer].join('\n'))
    .digest()
    .subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-');
}
