import { nanos, type Msg, type MsgHdrs } from 'nats';
import type { CommandOutcome } from '../command-outcome';
import type { Arrival } from '../handling/arrival';
import type { MessageHeaders } from '../headers';
import { MalformedAckSubject } from '../errors';

/** What JetStream says about a message in the subject its acknowledgement goes to. */
export interface StreamPlace {
  readonly stream: string;
  readonly deliveries: number;
  readonly sequence: number;
}

/**
 * `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>.<consumer sequence>.<time>.<pending>`;
 * newer servers put a domain and an account hash before the stream.
 */
export function streamPlaceOf(ackSubject: string): StreamPlace {
  const tokens = ackSubject.split('.');
  const at = tokens.length === 9 ? 2 : 4;
  const [stream, , deliveries, sequence] = tokens.slice(at);
  const place = {
    stream: stream ?? '',
    deliveries: Number(deliveries),
    sequence: Number(sequence),
  };
  if (tokens[1] !== 'ACK' || !(place.sequence > 0)) throw new MalformedAckSubject(ackSubject);
  return place;
}

/** Each header's first value. */
export function headersOf(headers: MsgHdrs | undefined): MessageHeaders {
  const values: Record<string, string> = {};
  if (headers) for (const [name, [first]] of headers) values[name] = first ?? '';
  return values;
}

const ACK = '+ACK';
const WORKING = '+WPI';
const nakOf = (delayMs: number): string => `-NAK {"delay":${nanos(delayMs)}}`;

/** What an arrival needs of the consumer that pulled it. */
export interface ArrivalSource {
  respond(ackSubject: string, payload: string): void;
  /** Does it now or later, if the message still stands where it stood. */
  ifCurrent(streamCreated: string, act: () => void): void;
  ifCurrentNow(streamCreated: string, act: () => void): void;
}

/** Where outcomes go. */
export interface ArrivalDesk {
  readonly answer: (arrival: Arrival, outcome: CommandOutcome) => void;
  /** Whether somebody is known to wait for it. */
  readonly isAwaited: (arrival: Arrival) => boolean;
}

/**
 * A JetStream message as the handling sees it. The client's own is not held on to: with its headers read
 * it takes more room than all the rest, and hundreds of arrivals wait for their turn at a time.
 */
export function natsArrival(
  message: Msg,
  streamCreated: string,
  subject: string,
  source: ArrivalSource,
  desk: ArrivalDesk,
): Arrival {
  const { reply = '' } = message;
  const respond = (payload: string) => (): void => source.respond(reply, payload);
  const arrival: Arrival = {
    ...streamPlaceOf(reply),
    streamCreated,
    subject,
    headers: headersOf(message.headers),
    body: message.data,
    ack: () => source.ifCurrent(streamCreated, respond(ACK)),
    nak: (delayMs) => source.ifCurrent(streamCreated, respond(nakOf(delayMs))),
    working: () => source.ifCurrentNow(streamCreated, respond(WORKING)),
    answer: (outcome) => desk.answer(arrival, outcome),
    isAwaited: () => desk.isAwaited(arrival),
  };
  return arrival;
}
