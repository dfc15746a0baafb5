import { Rejection } from '@downbeat/eventsourcing';
import type { DeclaredQueue, Queue } from './queue';

/** Undefined: it is a topic that somebody subscribed to, or nothing at all. */
const declared = (queue: Queue): DeclaredQueue | undefined =>
  queue.status === 'declared' ? queue : undefined;

/** One of all its services handles a message. */
export const isShared = (queue: Queue): queue is DeclaredQueue => declared(queue)?.type === 'queue';

/** Whether what is given up on is kept. */
export const keepsDeadLetters = (queue: Queue): boolean =>
  declared(queue)?.options.dlq_enabled ?? true;

/** Of one message; undefined: as the subscriber wants. */
export function deliveriesMaxOf(queue: Queue): number | undefined {
  const retries = declared(queue)?.options.dlq_max_retries;
  return retries === undefined ? undefined : retries + 1;
}

/** Why a service may not send this; undefined when it may. */
export function refusalToSend(
  name: string,
  queue: Queue,
  from: string,
  bytes: number,
): Rejection | undefined {
  const { producer_services: producers, max_message_size: bytesMax } =
    declared(queue)?.options ?? {};
  if (producers !== undefined && producers.length > 0 && !producers.includes(from))
    return new Rejection(
      'producer-not-allowed',
      `from must be one of ${producers.join(', ')} to send to ${name}, not ${from}`,
    );
  if (bytesMax !== undefined && bytes > bytesMax)
    return new Rejection(
      'message-too-large',
      `the message has ${bytes} bytes, ${name} takes ${bytesMax}`,
      'invalid',
    );
  return undefined;
}

/** Why nobody may send this, to whatever queue; undefined when it fits. */
export function refusalOfSize(bytes: number, bytesMax: number): Rejection | undefined {
  if (bytes <= bytesMax) return undefined;
  const message = `message_payload and headers have ${bytes} bytes as they are sent, at most ${bytesMax} are taken`;
  const errors = [{ field: 'message_payload', message: `must make it ${bytesMax} bytes at most` }];
  return new Rejection('message-too-large', message, 'invalid', errors);
}

/** Why a service may not consume from a queue; undefined when it may. */
export function refusalToConsume(
  name: string,
  queue: Queue,
  service: string,
): Rejection | undefined {
  const services = isShared(queue) ? (queue.options.consumer_services ?? []) : [];
  if (services.length === 0 || services.includes(service)) return undefined;
  return new Rejection(
    'consumer-not-allowed',
    `${service} is none of the consumer_services of the queue ${name}`,
  );
}

/** What services have of a topic and have not handled. */
export interface Backlog {
  readonly services: readonly string[];
  /** Wait to be delivered for the first time. */
  readonly pending: number;
  readonly inHand: number;
}

/** Why a topic may not become a queue that services share: what each has for itself would be lost to it. */
export function refusalToShare(name: string, backlog: Backlog): Rejection | undefined {
  const { services, pending, inHand } = backlog;
  if (pending + inHand === 0) return undefined;
  return new Rejection(
    'queue-has-backlog',
    `${name} has messages that ${services.join(', ')} has not handled: ${pending} waiting, ${inHand} in hand; stop who sends to it until they are handled, or unsubscribe who wants them no more`,
  );
}

/** `*` stands for any characters. */
export function matchesPattern(pattern: string, topic: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return pattern === topic;
  const last = rest.pop() ?? '';
  if (topic.length < first.length + last.length) return false;
  if (!topic.startsWith(first) || !topic.endsWith(last)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = topic.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= topic.length - last.length;
}
