import type { EventMeta, JsonObject, Message, RecordedEvent } from '@downbeat/eventsourcing';

/** What a context tells the others because of one stored event; versioned, never the stored event. */
export interface IntegrationEvent {
  /** Past tense, Pascal case: `InstanceRegistered`. */
  readonly name: string;
  readonly version: number;
  /** Last part of the subject `event.<context>.<name>.<id>`. */
  readonly id: string;
  readonly data: JsonObject;
}

/** "Nothing to tell", said aloud, so that a new event type cannot be forgotten. */
export const keepPrivate = 'keep-private' as const;

/** Stored event → integration event. Total: a new event type does not compile until it has an answer. */
export type Publications<Event extends Message> = {
  readonly [Type in Event['type']]:
    | ((
        event: RecordedEvent<Extract<Event, { type: Type }>>,
      ) => IntegrationEvent | typeof keepPrivate)
    | typeof keepPrivate;
};

/**
 * An integration event with its number: 1, 2, 3, … for each publishing context, without gaps, in
 * the order of the log. Consumers find losses by it.
 */
export interface Publication extends IntegrationEvent {
  readonly number: number;
  /** The publishing context. */
  readonly source: string;
  /** Position of the stored event it was made from. */
  readonly position: number;
  /** Id of that stored event. */
  readonly event_id: string;
  readonly meta: EventMeta;
  readonly recorded_at: string;
}

/** Asked of the publishing context for a range that did not arrive: `{ after, limit }`. */
export const publicationsSubject = (context: string): string => `query.${context}.publications`;
