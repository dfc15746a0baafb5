import type { CommandOutcome } from '../command-outcome';
import { HEADER, type MessageHeaders } from '../headers';
import type { Delivery } from '../message-bus';
import { oneLine } from '../one-line';

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
  readonly text: string;
  readonly ack: () => void;
  readonly nak: (delayMs: number) => void;
  /** Tells the server that the message is still being worked on. */
  readonly working: () => void;
  readonly answer: (outcome: CommandOutcome) => void;
}

/** Anyone can write headers: only what came over the retry stream was a dead letter. */
export function neverRedriven(headers: MessageHeaders): MessageHeaders {
  const { [HEADER.deadLetter]: _, ...rest } = headers;
  return rest;
}

export class MalformedBody {
  constructor(readonly reason: string) {}
}

/** A message's id before its body is known. */
const headerId = (headers: MessageHeaders): string | undefined =>
  headers[HEADER.originalId] || headers[HEADER.messageId] || undefined;

/** Where a message stands, over all lives of its stream. */
export const placeOf = ({ streamCreated, sequence }: Arrival): string =>
  `${streamCreated}:${sequence}`;

/** The id of a message whose body cannot be read. */
export const idWithoutBody = (arrival: Arrival): string =>
  headerId(arrival.headers) ?? placeOf(arrival);

/** What the handler gets to see, or why nobody can. */
export function deliveryOf(arrival: Arrival): Delivery | MalformedBody {
  const { headers, subject, deliveries } = arrival;
  let body: unknown;
  try {
    body = JSON.parse(arrival.text);
  } catch (fault) {
    if (!(fault instanceof SyntaxError)) throw fault;
    return new MalformedBody(oneLine(`body is not JSON: ${fault.message}`));
  }
  const commandId = takeCommandId(body);
  const id = headerId(headers) ?? commandId ?? placeOf(arrival);
  const traceparent = headers[HEADER.traceparent];
  return {
    id,
    subject,
    deliveries,
    body,
    headers,
    correlationId: headers[HEADER.correlationId] || id,
    actor: headers[HEADER.actor] || 'anonymous',
    ...(traceparent ? { traceparent } : {}),
  };
}

/** Removes `command_id` from the freshly parsed body: it is the message's, not the command's. */
function takeCommandId(body: unknown): string | undefined {
  if (body === null || typeof body !== 'object' || !('command_id' in body)) return undefined;
  const { command_id: id } = body;
  if (typeof id !== 'string' || id === '') return undefined;
  delete (body as { command_id?: unknown }).command_id;
  return id;
}
