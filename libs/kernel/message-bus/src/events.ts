import type { JsonObject } from '@downbeat/eventsourcing';
import type { MessageHeaders } from './headers';

/** An integration event on its way out. */
export interface OutgoingEvent {
  /** `event.<context>.<Name>.<id>` */
  readonly subject: string;
  /** For the server's duplicate window (2 minutes). */
  readonly messageId: string;
  readonly headers: MessageHeaders;
  readonly body: JsonObject;
}

/** What became of a call of `publishEvents`. */
export interface EventsConfirmed {
  /** Sequence of the newest of them on the stream. */
  readonly lastSequence: number;
  /** How many the stream had already. */
  readonly duplicates: number;
}

/** A stream of integration events as it is now. It may be younger or shorter than it was: it is no record. */
export interface EventStreamState {
  /** When it was made, with nanoseconds; another one than before means that it was lost and made anew. */
  readonly created: string;
  /** 0 for a stream that never held a message. */
  readonly firstSequence: number;
  /** 0 for a stream that never held a message. */
  readonly lastSequence: number;
}

/** One integration event as it came in. */
export interface IncomingEvent {
  readonly subject: string;
  readonly sequence: number;
  readonly messageId: string;
  readonly headers: MessageHeaders;
  /** Parsed JSON; undefined when the message was none. */
  readonly body: unknown;
}

/** Events in the order of their stream. Events between two batches may have gone to another replica. */
export interface EventBatch {
  readonly events: readonly IncomingEvent[];
  readonly streamCreated: string;
  /** The stream was lost and made anew since this consumer's batch before; true for one batch. May come without events. */
  readonly streamIsNew: boolean;
}
