import { messagingContract } from '@downbeat/contracts';
import type { z } from 'zod';

export type MessagePriority = messagingContract.MessagePriority;

/** What services tell one another: one object that senders and subscribers share, so that both are checked against it. */
export interface Topic<Schema extends z.ZodType = z.ZodType> {
  /** Kebab-case: `order-placed`. The same everywhere in the suite. */
  readonly name: string;
  readonly schema: Schema;
}

/** @throws {RangeError} The name is not one: letters, digits and hyphens, at most 64. */
export function topic<Schema extends z.ZodType>(name: string, schema: Schema): Topic<Schema> {
  if (!messagingContract.topicName.safeParse(name).success)
    throw new RangeError(`${name} is not a name of a topic`);
  return { name, schema };
}

/** What came along with a message. */
export interface MessageInfo {
  /** The same for every delivery of one message: an effect that it has had already is not to be had again. */
  readonly id: string;
  readonly topic: string;
  readonly priority: MessagePriority;
  /** The service that sent it, as it says itself. */
  readonly from: string | undefined;
  /** When the stream got it. */
  readonly publishedAt: Date;
  readonly correlationId: string | undefined;
  /** W3C trace context of the sender. */
  readonly traceparent: string | undefined;
  /** All headers, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** 1 for the first delivery. */
  readonly attempt: number;
  /** It was a dead letter that somebody had sent again. */
  readonly isRedriven: boolean;
  /** Aborted when the handler's time is over. Made when it is first asked for. */
  readonly signal: AbortSignal;
}

/** Returns, or settles, when the message is handled: then it is acknowledged, and not before. */
export type HandleMessage<Message> = (message: Message, info: MessageInfo) => Promise<void> | void;

/** A handler throws it when no repetition can help: the message becomes a dead letter at once. */
export class MessageRefused extends Error {
  override readonly name = 'MessageRefused';
  readonly code = 'sdk/message-refused';
}

export interface SubscribeOptions {
  /** Messages of the topic that are handled at once, by this instance. Default 8, at most 10,000. */
  readonly inFlightMax?: number;
  /** Deliveries after which a message becomes a dead letter. Default 10, at most 100,000. */
  readonly deliveriesMax?: number;
  /** How long a handler may take before it counts as failed. Default 60,000, at most a day. */
  readonly handlerTimeoutMs?: number;
  /** Before a message comes again that failed: grows from the first to the second, with jitter. Default 250 and 30,000, at most a day. */
  readonly retryDelayFirstMs?: number;
  readonly retryDelayMaxMs?: number;
}
