import type { MessageHeaders } from './headers';

/** A message that its stream has got, without its body. */
export interface FlowedMessage {
  /** Without the bus's prefix. */
  readonly subject: string;
  readonly sequence: number;
  readonly headers: MessageHeaders;
  /** Of the body. */
  readonly bytes: number;
  readonly publishedAt: Date;
}

/** What the server says of a message and one of its consumers: acknowledged, or delivered as often as allowed. */
export interface FlowedSettlement {
  readonly settled: 'acknowledged' | 'exhausted';
  /** Without the bus's prefix. */
  readonly consumer: string;
  /** Of the message, on its stream. */
  readonly sequence: number;
  readonly deliveries: number;
  /** From its last delivery to its acknowledgement; 0 of one that was not acknowledged. */
  readonly handledMs: number;
  readonly at: Date;
}

/** In the order of their stream, as far as nothing came again. */
export interface FlowBatch<Item> {
  /** Of the stream of messages. */
  readonly streamCreated: string;
  readonly items: readonly Item[];
}

/** Returns when the batch is kept: then it is acknowledged. When it throws, the same comes again, for ever. */
export type KeepFlow<Item> = (batch: FlowBatch<Item>) => Promise<void>;

export interface FlowListener {
  readonly onMessages: KeepFlow<FlowedMessage>;
  readonly onSettlements: KeepFlow<FlowedSettlement>;
}

/** Ends after the batches under way. */
export interface Following {
  stop(): Promise<void>;
}

/** Of one batch, which is one event. */
export const FLOW_BATCH_MAX = 500;

/** How far one consumer of the stream of messages has come. */
export interface ConsumerProgress {
  /** Without the bus's prefix. */
  readonly durable: string;
  /** Wait to be delivered for the first time. */
  readonly pending: number;
  /** Delivered, and not acknowledged yet. */
  readonly inHand: number;
  /** Requests of instances that wait for messages. */
  readonly waiting: number;
  /** The last that was delivered. */
  readonly deliveredThrough: number;
  /** All of its messages up to here were acknowledged, or are gone. */
  readonly settledThrough: number;
}

/** How one stream is, as operators know it. */
export interface StreamFigures {
  /** Without the bus's prefix. */
  readonly name: string;
  readonly messages: number;
  readonly bytes: number;
  readonly ageMaxMs: number;
  readonly consumers: number;
}

/** The stream of messages, at one moment. */
export interface MessageProgress {
  readonly streamCreated: string;
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** What the suite itself has seen and kept. */
  readonly followedThrough: number;
  readonly consumers: readonly ConsumerProgress[];
}
