import { messagingContract } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import {
  deadLetterId,
  HEADER,
  MESSAGE_STREAM,
  oneLine,
  REDRIVEN_LEAD,
  redriveOf,
  type DeadLetter,
  type MessageHeaders,
  type MessagePlace,
  type StoredMessage,
} from '@downbeat/message-bus';
import type { Subscriptions } from '@downbeat/messaging-domain';
import { wasFor } from './consumers-of';

const ID_LENGTH_MAX = 200;

/** What a service says of a message that it cannot handle. */
export interface Failure extends MessagePlace {
  readonly service: string;
  /** What it has subscribed to. */
  readonly subscriptions: Subscriptions;
  readonly attempts: number;
  readonly error: string;
}

/**
 * The dead letter that a message becomes: taken from the stream byte for byte, under an id that is the
 * same however often the service asks.
 *
 * @returns A rejection when the message is none of the service's.
 */
export function letterOf(message: StoredMessage, failure: Failure): DeadLetter | Rejection {
  const { service, streamCreated, sequence, attempts, error } = failure;
  const subject = originalSubject(message, failure);
  if (subject === undefined) return foreign(service, sequence);
  const place = deadLetterId(MESSAGE_STREAM, streamCreated, sequence, service);
  const messageId = idOf(message.headers) ?? `${streamCreated}:${sequence}`;
  const redriven = redrivenLetter(message, service);
  const redrive = redriven === undefined ? undefined : redriveOf(message.headers);
  return {
    id: redriven ?? place,
    subject,
    consumer: service,
    message_id: messageId,
    reason: error,
    attempts,
    headers: message.headers,
    body: message.body,
    correlation_id: keepable(message.headers[HEADER.correlationId]) ?? messageId,
    ...(redrive !== undefined && { redrive }),
  };
}

/** The dead letter that a redriven message was; undefined when it was none of this service's. */
export function redrivenLetter(message: StoredMessage, service: string): string | undefined {
  const isRedriven = message.subject.startsWith(messagingContract.redrivenLead(service));
  return isRedriven ? message.headers[HEADER.deadLetter] : undefined;
}

/** Without the way that a redriven one took; undefined for one that the service was not given. */
function originalSubject(
  message: StoredMessage,
  { service, subscriptions }: Failure,
): string | undefined {
  const { subject } = message;
  if (!subject.startsWith(REDRIVEN_LEAD))
    return wasFor(message, service, subscriptions) ? subject : undefined;
  const lead = messagingContract.redrivenLead(service);
  return subject.startsWith(lead) ? `message.${subject.slice(lead.length)}` : undefined;
}

const idOf = (headers: MessageHeaders): string | undefined =>
  keepable(headers[HEADER.originalId]) ?? keepable(headers[HEADER.messageId]);

/** Postgres refuses some characters that a sender may send: a letter that cannot be kept would hold up all behind it. */
const keepable = (id = ''): string | undefined => oneLine(id, ID_LENGTH_MAX) || undefined;

const foreign = (service: string, sequence: number): Rejection =>
  new Rejection('message-foreign', `message ${sequence} was not for ${service}`, 'not-found');

export const messageGone = (sequence: number): Rejection =>
  new Rejection('message-gone', `message ${sequence} is no longer on its stream`, 'not-found');
