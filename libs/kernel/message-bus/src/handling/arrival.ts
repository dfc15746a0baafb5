import { isUtf8 } from 'node:buffer';
import type { CommandOutcome, Problem } from '../command-outcome';
import { HEADER, type MessageHeaders } from '../headers';
import type { Delivery } from '../message-bus';
import { oneLine } from '../one-line';
import { isInbox, NO_INBOX } from '../reply-address';

/** One message as a transport brought it, and what the transport can do with it. */
export interface Arrival {
  readonly stream: string;
  readonly streamCreated: string;
  readonly sequence: number;
  /** 1 for the first time. */
  readonly deliveries: number;
  /** Logical; of a redriven message the original one. */
  readonly subject: string;
  readonly headers: MessageHeaders;
  /** As it came; it may be no UTF-8. */
  readonly body: Uint8Array;
  readonly ack: () => void;
  readonly nak: (delayMs: number) => void;
  /** Tells the server that the message is still being worked on. */
  readonly working: () => void;
  readonly answer: (outcome: CommandOutcome) => void;
  /** Whether somebody is known to wait for the answer; asked before it is given. */
  readonly isAwaited: () => boolean;
}

/** Anyone can write headers: only what came over the retry stream was a dead letter. */
export function neverRedriven(headers: MessageHeaders): MessageHeaders {
  const { [HEADER.deadLetter]: _, ...rest } = headers;
  return rest;
}

/** A message that no handler can be given: why, for operators and for whoever sent it. */
export class MalformedMessage {
  private constructor(
    /** One line. */
    readonly reason: string,
    readonly problem: Problem,
  ) {}

  static body(message: string): MalformedMessage {
    const reason = oneLine(`body ${message}`);
    const errors = [{ field: '', message: reason.replace(/^body /, '') }];
    return new MalformedMessage(reason, {
      code: 'malformed-body',
      message: reason,
      kind: 'invalid',
      errors,
    });
  }

  /** @param field Where it stands: a header, or `command_id` in the body. */
  static field(field: string, message: string): MalformedMessage {
    const text = oneLine(`${field} ${message}`);
    const errors = [{ field, message }];
    return new MalformedMessage(`invalid-input: ${text}`, {
      code: 'invalid-input',
      message: text,
      kind: 'invalid',
      errors,
    });
  }
}

/** The store takes as much. */
const ID_LENGTH_MAX = 200;
/** Line breaks, control characters, half a character, and what stands for bytes that are no UTF-8. */
const UNUSABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\uFFFD]/u;

/** Nearly all of them are visible ASCII, which is cheap to see. */
const isUsable = (text: string): boolean =>
  text.length <= ID_LENGTH_MAX && (/^[ -~]*$/.test(text) || !UNUSABLE.test(text));

const UNUSABLE_ID = `must have 1 to ${ID_LENGTH_MAX} characters, in UTF-8, without control characters or line breaks`;

/** The header that holds a message's id, before its body is known. */
const idHeader = (headers: MessageHeaders): string | undefined =>
  [HEADER.originalId, HEADER.messageId].find((name) => headers[name]);

/** Where a message stands, over all lives of its stream. */
export const placeOf = ({ streamCreated, sequence }: Arrival): string =>
  `${streamCreated}:${sequence}`;

/** The id of a message that is malformed. */
export function idOfMalformed(arrival: Arrival): string {
  const id = arrival.headers[idHeader(arrival.headers) ?? ''] ?? '';
  return id !== '' && isUsable(id) ? id : placeOf(arrival);
}

const utf8 = new TextDecoder();

/**
 * JSON, with or without the byte order mark that some clients send.
 *
 * @throws {SyntaxError} It is none.
 */
export const jsonOf = (body: Uint8Array): unknown => JSON.parse(utf8.decode(body));

/** What the handler gets to see, or why nobody can. */
export function deliveryOf(arrival: Arrival): Delivery | MalformedMessage {
  const { headers, subject, deliveries } = arrival;
  const wrong = wrongHeader(headers);
  if (wrong) return wrong;
  if (!isUtf8(arrival.body)) return MalformedMessage.body('is not UTF-8');
  let body: unknown;
  try {
    body = jsonOf(arrival.body);
  } catch (fault) {
    if (!(fault instanceof SyntaxError)) throw fault;
    return MalformedMessage.body(`is not JSON: ${fault.message}`);
  }
  const commandId = takeCommandId(body);
  const named = idHeader(headers);
  if (named === undefined && commandId !== undefined && !isUsable(commandId))
    return MalformedMessage.field('command_id', UNUSABLE_ID);
  const id = headers[named ?? ''] ?? commandId ?? placeOf(arrival);
  const traceparent = headers[HEADER.traceparent];
  return {
    id,
    subject,
    deliveries,
    body,
    headers,
    correlationId: headers[HEADER.correlationId] || id,
    actor: headers[HEADER.actor] || 'anonymous',
    isAwaited: arrival.isAwaited,
    ...(traceparent ? { traceparent } : {}),
  };
}

/** What is stored with events must be storable, and an outcome goes to an inbox only. */
function wrongHeader(headers: MessageHeaders): MalformedMessage | undefined {
  for (const name of [idHeader(headers), HEADER.correlationId, HEADER.actor])
    if (name !== undefined && !isUsable(headers[name] ?? ''))
      return MalformedMessage.field(name, UNUSABLE_ID);
  const address = headers[HEADER.replyTo];
  if (!address || isInbox(address)) return undefined;
  return MalformedMessage.field(HEADER.replyTo, `${NO_INBOX}, not ${JSON.stringify(address)}`);
}

/** Removes `command_id` from the freshly parsed body: it is the message's, not the command's. */
function takeCommandId(body: unknown): string | undefined {
  if (body === null || typeof body !== 'object' || !('command_id' in body)) return undefined;
  const { command_id: id } = body;
  if (typeof id !== 'string' || id === '') return undefined;
  delete (body as { command_id?: unknown }).command_id;
  return id;
}
