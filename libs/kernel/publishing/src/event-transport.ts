import type { MessageBus } from '@downbeat/message-bus';
import { messageOf } from './publication-message';
import type { Publication } from './publication';

/** What a stream of integration events looks like now. */
export interface StreamState {
  /** When the stream was made: another time than before means that it was lost and made again. */
  readonly created: string;
  /** Sequence of its newest message; 0 for an empty stream. */
  readonly lastSequence: number;
}

/** The part of the bus that carries publications. It may lose everything at any time; the log does not. */
export interface EventTransport {
  /** Makes the stream of `context` if it is missing. */
  ensureStream(context: string): Promise<StreamState>;
  /** @returns The sequence of the last message, once every one of them is acknowledged. */
  publish(publications: readonly Publication[], repeat: number): Promise<number>;
  /** Calls `listener` after each new connection to the server. Returns the unsubscribe function. */
  onReconnected(listener: () => void): () => void;
}

export const busTransport = (bus: MessageBus): EventTransport => ({
  ensureStream: (context) => bus.ensureEventStream(context),
  publish: async (publications, repeat) => {
    const messages = publications.map((publication) => messageOf(publication, repeat));
    return (await bus.publishEvents(messages)).lastSequence;
  },
  onReconnected: (listener) => bus.onReconnect(listener),
});
