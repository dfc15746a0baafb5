import type { StreamConfig } from 'nats';

/** A stream as code wants it. The server's copy is made to look like it. */
export type StreamSpec = Pick<StreamConfig, 'name' | 'subjects' | 'retention' | 'max_bytes'> &
  Partial<StreamConfig>;

export interface ConsumerSpec {
  readonly durable: string;
  /** Physical. */
  readonly filter: string;
  readonly ackWaitMs: number;
  readonly ackPendingMax?: number;
  /** Without what stands in the messages: their headers, and how long they are. */
  readonly headersOnly?: boolean;
  /** The stream is another context's: it is made when it is missing, and changed by its owner alone. */
  readonly isGuest?: boolean;
}
