import type { Brand } from './brand';
import type { Instant } from './instant';
import type { Message, SchemaVersion } from './message';

/** One aggregate's stream, `<kind>-<id>`, at most 200 characters: `service-billing`. */
export type StreamName = Brand<string, 'StreamName'>;

export const STREAM_NAME_LENGTH_MAX = 200;

export const streamName = (kind: string, id: string): StreamName => {
  const name = `${kind}-${id}`;
  if (name.length > STREAM_NAME_LENGTH_MAX)
    throw new RangeError(`a stream name has at most ${STREAM_NAME_LENGTH_MAX} characters`);
  return name as StreamName;
};

/** A place in the log: 1 for the first event, without gaps, in the order of commits. 0 is before all. */
export type Position = number;

/** How many events a stream holds; the version of its last event. 0: the stream does not exist. */
export type StreamVersion = number;

/** Who and what led to an event. */
export interface EventMeta {
  /** The message that began it all. */
  readonly correlation_id: string;
  /** The message that caused this event. */
  readonly causation_id: string;
  /** Who asked: a user, a service, or a part of the suite such as `saga-engine`. */
  readonly actor: string;
  /** W3C trace context of the cause, when it had one. */
  readonly traceparent?: string;
}

/** An event as it stands in the log. */
export interface RecordedEvent<Event extends Message = Message> {
  readonly position: Position;
  readonly event_id: string;
  readonly context: string;
  readonly stream: StreamName;
  readonly version: StreamVersion;
  readonly type: Event['type'];
  readonly schema_version: SchemaVersion;
  readonly data: Event['data'];
  readonly meta: EventMeta;
  readonly recorded_at: Instant;
  readonly commit_no: number;
}

/** The same event with its type and data still tied together, so that a switch narrows both. */
export type Recorded<Event extends Message> = {
  [Type in Event['type']]: RecordedEvent<Extract<Event, { type: Type }>>;
}[Event['type']];
