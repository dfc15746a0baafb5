import type { EventStore } from '@downbeat/event-store';
import type { Position } from '@downbeat/eventsourcing';

/** Where the log ends, for all projectors of a process: hints tell at once, one poll finds lost hints. */
export class LogHead {
  private newest: Position = 0;
  private readonly listeners = new Set<() => void>();
  private unsubscribe: (() => void) | undefined;
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
    this.unsubscribe = this.store.onAppended((position) => this.advance(position));
    this.schedule(0);
  }

  /** Asks the log itself. */
  async refresh(): Promise<Position> {
    this.advance(await this.store.head());
    return this.newest;
  }

  onAdvanced(listener: () => void): void {
    this.listeners.add(listener);
  }

  async stop(): Promise<void> {
    this.unsubscribe?.();
    clearTimeout(this.timer);
    this.timer = undefined;
    await this.polling;
  }

  private schedule(ms: number): void {
    this.timer = setTimeout(() => {
      this.polling = this.poll();
    }, ms);
  }

  private async poll(): Promise<void> {
    try {
      await this.refresh();
    } catch (fault) {
      this.onFault(fault);
    }
    if (this.timer !== undefined) this.schedule(this.pollMs);
  }

  private advance(position: Position): void {
    if (position <= this.newest) return;
    this.newest = position;
    for (const listener of this.listeners) listener();
  }
}
