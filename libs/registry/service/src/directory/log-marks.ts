import type { registryContract } from '@downbeat/contracts';
import { LogGap, type EventStore } from '@downbeat/event-store';
import { Fault } from '@downbeat/eventsourcing';
import { LRUCache } from 'lru-cache';

const KEPT_MAX = 1_000;
/** Whoever asks waits for the directory, which is in memory. */
const LOOK_MS_MAX = 300;

type LogMark = registryContract.LogMark;

/** Tells a log from one that was put back to an earlier state, and has grown since. */
export class LogMarks {
  private readonly known = new LRUCache<string, { readonly isHeld: boolean }>({ max: KEPT_MAX });
  /** Thousands of callers ask about the same one in the same moment. */
  private readonly looking = new Map<string, Promise<boolean | undefined>>();

  constructor(private readonly store: EventStore) {}

  /** It was read from the log just now. */
  note(mark: LogMark): void {
    this.known.set(keyOf(mark), { isHeld: true });
  }

  /** @returns Whether the log holds it; undefined: it cannot be read now. */
  async holds(mark: LogMark): Promise<boolean | undefined> {
    const key = keyOf(mark);
    const known = this.known.get(key);
    if (known) return known.isHeld;
    const looking = this.looking.get(key) ?? this.look(mark, key);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, LOOK_MS_MAX, undefined);
    });
    return Promise.race([looking, late]).finally(() => clearTimeout(timer));
  }

  /** The mark of an event of the registry; undefined when there is none at that position. */
  async at(position: number): Promise<LogMark | undefined> {
    const { events } = await this.store.read(position - 1, 1);
    const [event] = events;
    return event && { position: event.position, event_id: event.event_id };
  }

  private look(mark: LogMark, key: string): Promise<boolean | undefined> {
    const looking = this.compare(mark, key).finally(() => this.looking.delete(key));
    this.looking.set(key, looking);
    return looking;
  }

  private async compare(mark: LogMark, key: string): Promise<boolean | undefined> {
    try {
      const found = await this.at(mark.position);
      const isHeld = found?.event_id === mark.event_id;
      // A log that is too short may grow; what stands in it stays.
      if (found) this.known.set(key, { isHeld });
      return isHeld;
    } catch (fault) {
      if (fault instanceof LogGap) return false;
      // Callers are answered from memory, also when nothing can be read.
      if (fault instanceof Fault) return undefined;
      throw fault;
    }
  }
}

const keyOf = ({ position, event_id }: LogMark): string => `${position} ${event_id}`;
