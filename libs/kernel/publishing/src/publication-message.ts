import { Fault } from '@downbeat/eventsourcing';
import {
  cloudEventHeaders,
  HEADER,
  type IncomingEvent,
  type OutgoingEvent,
} from '@downbeat/message-bus';
import type { Publication } from './publication';

const PUBLICATION = 'Downbeat-Publication';
const POSITION = 'Downbeat-Position';
const VERSION = 'Downbeat-Event-Version';

/** What lies on an event stream was not put there by a relay of the suite. */
export class ForeignEvent extends Fault {
  override readonly name = 'ForeignEvent';
  readonly code = 'publishing/foreign-event';
  readonly remedy = 'give-up';
}

/**
 * A publication as it goes over the bus: its data is the body, the rest CloudEvents attributes and headers.
 *
 * @param repeat 0 for the first time; what is sent again needs another message id, so another number.
 */
export function messageOf(publication: Publication, repeat: number): OutgoingEvent {
  const { source, name, id, number, meta } = publication;
  return {
    subject: `event.${source}.${name}.${id}`,
    messageId: repeat === 0 ? publication.event_id : `${publication.event_id}:${repeat}`,
    headers: {
      ...cloudEventHeaders({
        id: publication.event_id,
        source: `downbeat/${source}`,
        type: name,
        time: publication.recorded_at,
      }),
      [PUBLICATION]: String(number),
      [POSITION]: String(publication.position),
      [VERSION]: String(publication.version),
      [HEADER.correlationId]: meta.correlation_id,
      [HEADER.actor]: meta.actor,
      ...(meta.traceparent === undefined ? {} : { [HEADER.traceparent]: meta.traceparent }),
    },
    body: publication.data,
  };
}

/** @throws {ForeignEvent} A header is missing or no number where one must be, or the body is no object. */
export function publicationOf({ subject, headers, body }: IncomingEvent): Publication {
  const [, source, name, ...id] = subject.split('.');
  const header = (key: string): string => {
    const value = headers[key] ?? headers[key.toLowerCase()];
    if (value === undefined) throw new ForeignEvent(`${subject} has no header ${key}`);
    return value;
  };
  const count = (key: string): number => {
    const value = Number(header(key));
    if (!Number.isSafeInteger(value) || value < 1)
      throw new ForeignEvent(`${subject} has no number in its header ${key}`);
    return value;
  };
  if (source === undefined || name === undefined || !isObject(body))
    throw new ForeignEvent(`${subject} is no integration event`);
  const traceparent = headers[HEADER.traceparent];
  const eventId = header('ce-id');
  return {
    source,
    name,
    id: id.join('.'),
    number: count(PUBLICATION),
    position: count(POSITION),
    version: count(VERSION),
    event_id: eventId,
    recorded_at: header('ce-time'),
    data: body,
    meta: {
      correlation_id: header(HEADER.correlationId),
      causation_id: eventId,
      actor: header(HEADER.actor),
      ...(traceparent === undefined ? {} : { traceparent }),
    },
  };
}

const isObject = (body: unknown): body is Publication['data'] =>
  body !== null && typeof body === 'object' && !Array.isArray(body);
