import { messagingContract } from '@downbeat/contracts';
import type { RawMessage } from '../nats/nats-link';
import { HEADER, read } from './headers';
import type { MessageInfo, MessagePriority } from './topic';

/** One delivery of a message, and what can be told the server about it. */
export interface Arrival {
  readonly topic: string;
  readonly priority: MessagePriority;
  readonly streamCreated: string;
  readonly sequence: number;
  /** 1 for the first time. */
  readonly deliveries: number;
  readonly isRedriven: boolean;
  readonly publishedAt: Date;
  readonly headers: Readonly<Record<string, string>>;
  readonly data: Uint8Array;
  /** Where the acknowledgement goes. */
  readonly reply: string;
}

const NANOS_PER_MS = 1_000_000;
const PRIORITIES: ReadonlySet<string> = new Set(messagingContract.MESSAGE_PRIORITIES);

/**
 * `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>.<consumer sequence>.<time>.<pending>`;
 * newer servers may put a domain and an account hash before the stream.
 *
 * @returns Undefined for what no stream has sent.
 */
export function arrivalOf(message: RawMessage, streamCreated: string): Arrival | undefined {
  const { reply = '', subject, headers, data } = message;
  const tokens = reply.split('.');
  const [, , deliveries, sequence, , time] = tokens.slice(tokens.length === 9 ? 2 : 4);
  const [priority = '', topic = ''] = subject.split('.').slice(-2);
  if (tokens[1] !== 'ACK' || !(Number(sequence) > 0) || !PRIORITIES.has(priority)) return undefined;
  return {
    topic,
    priority: priority as MessagePriority,
    streamCreated,
    sequence: Number(sequence),
    deliveries: Number(deliveries),
    isRedriven: subject.startsWith('message.redriven.'),
    publishedAt: new Date(Number(time) / NANOS_PER_MS),
    headers,
    data,
    reply,
  };
}

/** The same for every delivery of it. */
export const placeOf = ({ streamCreated, sequence }: Arrival): string =>
  `${streamCreated}:${sequence}`;

/** What the sender called it; of a sender that gave no id, its place. */
export const idOf = (arrival: Arrival): string =>
  arrival.headers[read('messageId')] || arrival.headers[read('duplicateId')] || placeOf(arrival);

/** What the handler is told, and the end of its time. */
export class Handling implements MessageInfo {
  private controller: AbortController | undefined;
  private isOver = false;
  readonly id: string;
  readonly topic: string;
  readonly priority: MessagePriority;
  readonly from: string | undefined;
  readonly publishedAt: Date;
  readonly correlationId: string | undefined;
  readonly traceparent: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly attempt: number;
  readonly isRedriven: boolean;

  constructor(arrival: Arrival) {
    const { headers } = arrival;
    this.id = idOf(arrival);
    this.topic = arrival.topic;
    this.priority = arrival.priority;
    this.from = headers[read('sender')];
    this.publishedAt = arrival.publishedAt;
    this.correlationId = headers[read('correlationId')];
    this.traceparent = headers[HEADER.traceparent];
    this.headers = headers;
    this.attempt = arrival.deliveries;
    this.isRedriven = arrival.isRedriven;
  }

  get signal(): AbortSignal {
    this.controller ??= new AbortController();
    if (this.isOver) this.controller.abort();
    return this.controller.signal;
  }

  timeIsOver(): void {
    this.isOver = true;
    this.controller?.abort();
  }
}
