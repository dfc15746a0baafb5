import type { Publication } from './publication';

/** What a stream of integration events looks like now. */
export interface StreamState {
  /** When the stream was made: a later time than before means that it was lost and made again. */
  readonly created: string;
  /** Sequence of its newest message; 0 for an empty stream. */
  readonly lastSequence: number;
}

/** The part of the bus that carries publications. It may lose everything at any time; the log does not. */
export interface EventTransport {
  /** Makes the stream of `context` if it is missing. */
  ensureStream(context: string): Promise<StreamState>;
  /** @returns The sequence of the last message, once every one of them is acknowledged. */
  publish(context: string, publications: readonly Publication[], repeat: number): Promise<number>;
  /** Calls `listener` after each new connection to the server. Returns the unsubscribe function. */
  onReconnected(listener: () => void): () => void;
}
