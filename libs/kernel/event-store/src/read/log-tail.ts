import type { Position, RecordedEvent } from '@downbeat/eventsourcing';
import type { LogSlice } from '../event-store';

export interface LogTailLimits {
  readonly eventsMax: number;
  /** Sum of {@link ReadEvent.length}. */
  readonly lengthMax: number;
}

export interface ReadEvent {
  readonly event: RecordedEvent;
  /** Characters of its data and meta. */
  readonly length: number;
}

/**
 * The end of the log as far as it was read here last. What was read once stays true, so those who
 * follow the log one behind the other fetch and parse an event once.
 */
export class LogTail {
  #from: Position = 0;
  #through: Position = 0;
  #events: ReadEvent[] = [];
  #length = 0;

  constructor(private readonly limits: LogTailLimits) {}

  /** What is known after `after`, at most `limit` positions; undefined when nothing is. */
  after(after: Position, limit: number): LogSlice | undefined {
    if (after < this.#from || after >= this.#through) return undefined;
    const through = Math.min(this.#through, after + limit);
    const events = this.#events
      .map(({ event }) => event)
      .filter(({ position }) => position > after && position <= through);
    return { events, through };
  }

  /** From `after` to `through` was read, and `events` are all of this context that are there. */
  add(after: Position, through: Position, events: readonly ReadEvent[]): void {
    if (through <= this.#through) return;
    const follows = after >= this.#from && after <= this.#through;
    if (!follows) {
      this.#events = [];
      this.#length = 0;
      this.#from = after;
    }
    const known = follows ? this.#through : after;
    for (const one of events) if (one.event.position > known) this.#keep(one);
    this.#through = through;
  }

  #keep(one: ReadEvent): void {
    this.#events.push(one);
    this.#length += one.length;
    while (this.#events.length > this.limits.eventsMax || this.#length > this.limits.lengthMax) {
      const oldest = this.#events.shift();
      if (oldest === undefined) return;
      this.#length -= oldest.length;
      this.#from = oldest.event.position;
    }
  }
}
