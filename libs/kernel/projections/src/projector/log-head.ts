import type { EventStore } from '@downbeat/event-store';
import type { Position } from '@downbeat/eventsourcing';

/**
 * Where the log ends, for all projectors of a process. Hints tell at once, and one poll finds lost
 * hints. Projectors are woken for events of their own context; over those of others they go with
 * the next poll, all at once, so that they share a read.
 */
export class LogHead {
  private newest: Position = 0;
  /** The newest position that the projectors were woken for. */
  private told: Position = 0;
  private readonly listeners = new Set<() => void>();
  private unsubscribe: readonly (() => void)[] = [];
  private seeking: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private polling: Promise<void> | undefined;

  constructor(
    private readonly store: EventStore,
    private readonly pollMs: number,
    private readonly onFault: (fault: unknown) => void,
  ) {}

  get position(): Position {
    return this.newest;
  }

  start(): void {
    const { store } = this;
    this.unsubscribe = [
      store.onAppended((position) => this.advance(position)),
      store.onAppended(() => this.tell(), store.context),
    ];
    this.schedule(0);
  }

  /** Asks the log itself. */
  async refresh(): Promise<Position> {
    const position = await this.store.head();
    // No hint told whose events these are.
    if (this.advance(position)) this.tell();
    return this.newest;
  }

  /** Somebody waits for `position`: if no hint told of it, the log is asked now, once for all who wait. */
  seek(position: Position): void {
    if (position <= this.newest) return;
    this.seeking ??= this.refresh()
      .then(() => undefined, this.onFault)
      .finally(() => (this.seeking = undefined));
  }

  onAdvanced(listener: () => void): void {
    this.listeners.add(listener);
  }

  async stop(): Promise<void> {
    for (const stop of this.unsubscribe) stop();
    clearTimeout(this.timer);
    this.timer = undefined;
    await Promise.all([this.polling, this.seeking]);
  }

  private schedule(ms: number): void {
    this.timer = setTimeout(() => {
      this.polling = this.poll();
    }, ms);
  }

  private async poll(): Promise<void> {
    try {
      await this.refresh();
      this.tell();
    } catch (fault) {
      this.onFault(fault);
    }
    if (this.timer !== undefined) this.schedule(this.pollMs);
  }

  private advance(position: Position): boolean {
    if (position <= this.newest) return false;
    this.newest = position;
    return true;
  }

  private tell(): void {
    if (this.told === this.newest) return;
    this.told = this.newest;
    for (const listener of this.listeners) listener();
  }
}
