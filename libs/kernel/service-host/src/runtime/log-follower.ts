import type { EventStore } from '@downbeat/event-store';
import type { Message, Position, Recorded } from '@downbeat/eventsourcing';
import { Logger } from '@nestjs/common';

const POLL_MS = 1_000;
const PAUSE_MS = 500;

/** Shows one listener every event of a context after a position, in order, as they come. Keeps no checkpoint. */
export class LogFollower<Event extends Message> {
  private readonly logger = new Logger(LogFollower.name);
  private stopped = false;
  private wake: () => void = () => undefined;
  private running: Promise<void> = Promise.resolve();
  private unsubscribe: () => void = () => undefined;

  constructor(
    private readonly store: EventStore,
    private after: Position,
    private readonly listener: (events: readonly Recorded<Event>[]) => void,
  ) {}

  start(): void {
    this.unsubscribe = this.store.onAppended(() => this.wake());
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.unsubscribe();
    this.wake();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      try {
        const slice = await this.store.read<Event>(this.after);
        if (slice.events.length > 0) this.listener(slice.events);
        if (slice.through === this.after) await this.pause(POLL_MS);
        this.after = slice.through;
      } catch (fault) {
        this.logger.warn({ err: fault }, 'the log could not be read');
        await this.pause(PAUSE_MS);
      }
    }
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
