import { EventStore, Leases, type Append, type Appended } from '@downbeat/event-store';
import type { Instant, Message, Position, StreamName } from '@downbeat/eventsourcing';

/** A store that appends in another way, or shows other events than it has, and is the same otherwise. */
export class StoreWrapper extends EventStore {
  constructor(
    private readonly inner: EventStore,
    private readonly appending: (append: Append) => Promise<Appended> = (append) =>
      inner.append(append),
    private readonly seeing: <Seen extends Message>(event: Seen) => Seen = (event) => event,
  ) {
    super();
  }

  get context(): string {
    return this.inner.context;
  }

  append(append: Append): Promise<Appended> {
    return this.appending(append);
  }

  appendTogether(appends: readonly Append[]) {
    return this.inner.appendTogether(appends);
  }

  async load<Event extends Message>(stream: StreamName, after?: number) {
    const events = await this.inner.load<Event>(stream, after);
    return events.map((event) => this.seeing(event));
  }

  read<Event extends Message>(after: Position, limit?: number) {
    return this.inner.read<Event>(after, limit);
  }

  settled() {
    return this.inner.settled();
  }

  answerOf(commandId: string) {
    return this.inner.answerOf(commandId);
  }

  lastReceipt(consumer: string, source: string) {
    return this.inner.lastReceipt(consumer, source);
  }

  head() {
    return this.inner.head();
  }

  positionAt(moment: Instant) {
    return this.inner.positionAt(moment);
  }

  onAppended(listener: (position: Position) => void) {
    return this.inner.onAppended(listener);
  }
}

/** Leases that take over in another way. */
export class LeasesWrapper extends Leases {
  constructor(
    private readonly inner: Leases,
    private readonly instead: Partial<Pick<Leases, 'takeOver'>>,
  ) {
    super();
  }

  renew(owner: string, ttlMs: number) {
    return this.inner.renew(owner, ttlMs);
  }

  takeOver(owner: string, limit: number) {
    return (this.instead.takeOver ?? this.inner.takeOver.bind(this.inner))(owner, limit);
  }

  resign(owner: string) {
    return this.inner.resign(owner);
  }

  holder(stream: StreamName) {
    return this.inner.holder(stream);
  }

  held(owner: string) {
    return this.inner.held(owner);
  }
}
