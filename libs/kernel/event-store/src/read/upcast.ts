import type { RecordedEvent } from '@downbeat/eventsourcing';

/** Brings an event to the next newer shape: same fact, higher `schema_version`. Pure. */
export type Upcaster = (event: RecordedEvent) => RecordedEvent;

/** By event type, then by the schema version it starts from: `{ ServiceRegistered: { 1: addEndpoint } }`. */
export type Upcasters = Readonly<Record<string, Readonly<Record<number, Upcaster>>>>;

/**
 * The event in its newest shape. Upcasters chain, 1 to 2 to 3; one that does not raise the schema
 * version is a mistake in the registry and would never end.
 *
 * @throws {RangeError} The schema version did not rise.
 */
export function upcast(event: RecordedEvent, upcasters: Upcasters): RecordedEvent {
  for (;;) {
    const step = Object.hasOwn(upcasters, event.type)
      ? upcasters[event.type]?.[event.schema_version]
      : undefined;
    if (step === undefined) return event;
    const newer = step(event);
    if (newer.schema_version <= event.schema_version)
      throw new RangeError(
        `the upcaster of ${event.type} ${event.schema_version} does not raise it`,
      );
    event = newer;
  }
}
