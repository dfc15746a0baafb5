import {
  AppendRefused,
  EventStore,
  EventStoreUnavailable,
  type Append,
  type Appended,
} from '@downbeat/event-store';
import type { MemoryEventStore } from '@downbeat/event-store/testing';
import type { Instant, Message, Position, StreamName } from '@downbeat/eventsourcing';

/**
 * What happens to an append. `lost`: nothing is stored. `unanswered`: it is stored, and nobody
 * learns of it. `late`: the same, but it is stored only some time after the caller gave up.
 * `astray`: as late, and so far away that nobody can wait for it. `refused`: it never can be.
 */
export type Fate = 'stored' | 'refused' | 'lost' | 'unanswered' | 'late' | 'astray' | 'defect';

/** A store in memory whose appends meet the fate a test wants. */
export class FaultyStore extends EventStore {
  fateOf: (append: Append) => Fate = () => 'stored';
  /** False: reading fails too. */
  isReadable = true;
  /** How long an append takes, and how long a late one is late, milliseconds. */
  latencyMs: () => number = () => 0;

  private readonly lateOnes = new Set<Promise<unknown>>();

  constructor(private readonly store: MemoryEventStore) {
    super();
  }

  get context(): string {
    return this.store.context;
  }

  async append(append: Append): Promise<Appended> {
    await sleep(this.latencyMs());
    const fate = this.fateOf(append);
    switch (fate) {
      case 'stored':
        return this.store.append(append);
      case 'unanswered':
        await this.store.append(append);
        throw new EventStoreUnavailable('the answer was lost');
      case 'late':
      case 'astray':
        this.storeLate(append, fate);
        throw new EventStoreUnavailable('no answer in time');
      case 'refused':
        throw new AppendRefused(append.stream, 'it holds what cannot be stored');
      case 'lost':
        throw new EventStoreUnavailable('nobody was there');
      case 'defect':
        throw new TypeError('a defect');
    }
  }

  /** No run appends to several streams: they meet no fate. */
  appendTogether(appends: readonly Append[]): Promise<readonly Appended[]> {
    return this.store.appendTogether(appends);
  }

  private storeLate(append: Append, fate: Fate): void {
    const late = sleep(10 + this.latencyMs())
      .then(() => this.store.append(append))
      .catch(() => undefined) // Refused when it came too late; nobody is there to be told.
      .finally(() => this.lateOnes.delete(late));
    if (fate === 'late') this.lateOnes.add(late);
  }

  async settled(): Promise<void> {
    await Promise.all(this.lateOnes);
    if (!this.isReadable) throw new EventStoreUnavailable('nobody was there');
  }

  async load<Event extends Message>(stream: StreamName, after?: number) {
    await sleep(this.latencyMs());
    if (!this.isReadable) throw new EventStoreUnavailable('nobody was there');
    return this.store.load<Event>(stream, after);
  }

  read<Event extends Message>(after: Position, limit?: number) {
    return this.store.read<Event>(after, limit);
  }

  answerOf(commandId: string) {
    return this.store.answerOf(commandId);
  }

  lastReceipt(consumer: string, source: string) {
    return this.store.lastReceipt(consumer, source);
  }

  head() {
    return this.store.head();
  }

  positionAt(moment: Instant) {
    return this.store.positionAt(moment);
  }

  onAppended(listener: (position: Position) => void) {
    return this.store.onAppended(listener);
  }
}

const sleep = (ms: number): Promise<void> =>
  ms <= 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms));
