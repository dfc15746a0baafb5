import type { Position, RecordedEvent } from '@downbeat/eventsourcing';
import type { LogSlice } from '../event-store';

export interface LogTailLimits {
  readonly eventsMax: number;
  /** Sum of {@link ReadEvent.length}. */
  readonly lengthMax: number;
}

/** An event whose text is parsed when somebody reads it, once for all. */
export interface ReadEvent {
  readonly position: Position;
  /** Characters of its data and meta. */
  readonly length: number;
  readonly event: () => RecordedEvent;
}

/**
 * The end of the log as far as it is known here: what was read last, and what was appended here right
 * behind it. What is recorded stays true, so those who follow the log one behind the other fetch and
 * parse an event once, and what this process appended itself is not fetched at all.
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
      .slice(this.#indexAfter(after), this.#indexAfter(through))
      .map(({ event }) => event());
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
    for (const one of events) if (one.position > known) this.#keep(one);
    this.#through = through;
  }

  /** The same of what was appended here; with a gap before it, or where nothing was read, it is for a reader to fetch. */
  extend(after: Position, through: Position, events: readonly ReadEvent[]): void {
    if (after === this.#through) this.add(after, through, events);
  }

  /** How many are known up to `position`. */
  #indexAfter(position: Position): number {
    let low = 0;
    for (let high = this.#events.length; low < high;) {
      const middle = (low + high) >> 1;
      if ((this.#events[middle]?.position ?? Infinity) <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #keep(one: ReadEvent): void {
    this.#events.push(one);
    this.#length += one.length;
    while (this.#events.length > this.limits.eventsMax || this.#length > this.limits.lengthMax) {
      const oldest = this.#events.shift();
      if (oldest === undefined) return;
      this.#length -= oldest.length;
      this.#from = oldest.position;
    }
  }
}
