import {
  epochMs,
  type Instant,
  type Message,
  type Position,
  type Recorded,
  type StreamName,
  type StreamVersion,
} from '@downbeat/eventsourcing';
import { LogGap } from '../errors';
import {
  EventStore,
  type Append,
  type Appended,
  type LogSlice,
  type RememberedAnswer,
} from '../event-store';
import { keyOf, type MemoryLog } from './memory-log';
import { readLimit } from '../read/read-limit';
import { seal, sealTogether } from '../append/sealed-append';
import { upcast, type Upcasters } from '../read/upcast';

/** One context's view of a {@link MemoryLog}; passes the same behaviour suite as the Postgres store. */
export class MemoryEventStore extends EventStore {
  constructor(
    readonly log: MemoryLog,
    readonly context: string,
    private readonly upcasters: Upcasters = {},
  ) {
    super();
  }

  async append(append: Append): Promise<Appended> {
    const sealed = seal(append);
    const appended = this.log.append(this.context, sealed);
    if (!appended.repeated && sealed.events.length > 0)
      this.log.listeners.announce({ position: appended.position, contexts: [this.context] });
    return appended;
  }

  async appendTogether(appends: readonly Append[]): Promise<readonly Appended[]> {
    const sealed = sealTogether(appends);
    const appended = this.log.appendTogether(this.context, sealed);
    const position = appended.at(-1)?.position ?? 0;
    const isNews = appended.some(({ repeated }) => !repeated);
    if (isNews && sealed.some(({ events }) => events.length > 0))
      this.log.listeners.announce({ position, contexts: [this.context] });
    return appended;
  }

  async load<Event extends Message>(
    stream: StreamName,
    after: StreamVersion = 0,
  ): Promise<readonly Recorded<Event>[]> {
    const events = this.log.streams.get(stream) ?? [];
    return events
      .slice(after)
      .filter((event) => event.context === this.context)
      .map((event) => upcast(event, this.upcasters) as Recorded<Event>);
  }

  async read<Event extends Message>(after: Position, limit?: number): Promise<LogSlice<Event>> {
    if (after > this.log.head) throw new LogGap(after, this.log.head);
    const slice = this.log.events.slice(after, after + readLimit(limit));
    const events = slice
      .filter((event) => event.context === this.context)
      .map((event) => upcast(event, this.upcasters) as Recorded<Event>);
    return { events, through: after + slice.length };
  }

  async answerOf(commandId: string): Promise<RememberedAnswer | undefined> {
    const answer = this.log.answers.get(keyOf(this.context, commandId));
    return answer && { ...answer, repeated: true };
  }

  async settled(): Promise<void> {
    // An append here has taken place, or not, when its call returns.
  }

  async lastReceipt(consumer: string, source: string): Promise<number> {
    return this.log.receipts.get(keyOf(this.context, consumer, source)) ?? 0;
  }

  async head(): Promise<Position> {
    return this.log.head;
  }

  async positionAt(moment: Instant): Promise<Position> {
    const limit = epochMs(moment);
    const later = this.log.events.findIndex(({ recorded_at }) => epochMs(recorded_at) > limit);
    return later === -1 ? this.log.head : later;
  }

  onAppended(listener: (position: Position) => void, context?: string): () => void {
    return this.log.listeners.add(listener, context);
  }
}
