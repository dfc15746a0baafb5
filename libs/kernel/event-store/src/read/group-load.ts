/** One question: a stream's events after a version. */
export interface Asked {
  readonly stream: string;
  readonly after: number;
}

/** As much of a stream as one answer holds. */
export interface Part<Row> {
  readonly rows: readonly Row[];
  /** There is more behind it. */
  readonly hasMore: boolean;
}

export interface GroupLoadPorts<Row, Event> {
  /** One part per question, in order. When it throws, each of them fails with that. */
  readonly ask: (asked: readonly Asked[]) => Promise<readonly Part<Row>[]>;
  /** When it throws, the stream that the row is of fails with that, and no other. */
  readonly read: (row: Row) => Event;
}

interface Waiting<Event> extends Asked {
  readonly events: Event[];
  readonly answer: Promise<readonly Event[]>;
  readonly resolve: (events: readonly Event[]) => void;
  readonly reject: (fault: unknown) => void;
}

/**
 * Asks at once for what is asked in one turn of the event loop: many commands that load their streams
 * in one moment cost one question, and the same question is asked once. No timer, and nobody waits
 * for the answer to an earlier question. Answers are bounded: whoever is complete has its answer, and
 * the others are asked for the rest together, so that short streams do not wait for long ones.
 */
export class GroupLoad<Row, Event> {
  #waiting = new Map<string, Waiting<Event>>();

  /** @param atOnceMax Streams that are asked for together. */
  constructor(
    private readonly ports: GroupLoadPorts<Row, Event>,
    private readonly atOnceMax: number,
  ) {}

  load(stream: string, after: number): Promise<readonly Event[]> {
    const key = `${after} ${stream}`;
    const same = this.#waiting.get(key);
    if (same) return same.answer;
    if (this.#waiting.size === 0) setImmediate(() => this.#askAll());
    let settle: Pick<Waiting<Event>, 'resolve' | 'reject'> | undefined;
    const answer = new Promise<readonly Event[]>((resolve, reject) => {
      settle = { resolve, reject };
    });
    if (settle) this.#waiting.set(key, { stream, after, events: [], answer, ...settle });
    return answer;
  }

  #askAll(): void {
    const all = [...this.#waiting.values()];
    this.#waiting = new Map();
    for (let from = 0; from < all.length; from += this.atOnceMax)
      void this.#askSome(all.slice(from, from + this.atOnceMax));
  }

  async #askSome(some: readonly Waiting<Event>[]): Promise<void> {
    let left = some;
    try {
      while (left.length > 0) {
        const parts = await this.ports.ask(
          left.map(({ stream, after, events }) => ({ stream, after: after + events.length })),
        );
        if (left.every((_, index) => isWithoutProgress(parts[index])))
          throw new RangeError('an answer without an event says that there is more');
        left = left
          .filter((waiting, index) => this.#take(waiting, parts[index]))
          // Those that had least come first: what is cut off at the end is not always the same.
          .sort((one, other) => one.events.length - other.events.length);
      }
    } catch (fault) {
      // Rethrown, to everyone who still waits.
      for (const { reject } of left) reject(fault);
    }
  }

  /** @returns Whether it still waits for more. */
  #take(waiting: Waiting<Event>, part: Part<Row> | undefined): boolean {
    const { events, resolve, reject } = waiting;
    try {
      if (part === undefined) throw new RangeError('fewer answers than questions');
      for (const row of part.rows) events.push(this.ports.read(row));
      if (part.hasMore) return true;
      resolve(events);
    } catch (fault) {
      // Rethrown, to whoever asked for this stream.
      reject(fault);
    }
    return false;
  }
}

const isWithoutProgress = (part: Part<unknown> | undefined): boolean =>
  part !== undefined && part.rows.length === 0 && part.hasMore;
