import type { EventStore } from '@downbeat/event-store';
import type { Message, Position, Recorded } from '@downbeat/eventsourcing';
import { Logger } from '@nestjs/common';

const SLICE_MAX = 1_000;
const POLL_MS = 1_000;
const PAUSE_MS = 500;

/**
 * Shows one listener every event of a context after a position, in order, as they come. Keeps no
 * checkpoint. Events of other contexts do not wake it: it passes over them once a second.
 */
export class LogFollower<Event extends Message> {
  private readonly logger = new Logger(LogFollower.name);
  private stopped = false;
  private readAt = Number.NEGATIVE_INFINITY;
  private isHinted = false;
  private wake: () => void = () => undefined;
  private running: Promise<void> = Promise.resolve();
  private unsubscribe: () => void = () => undefined;

  constructor(
    private readonly store: EventStore,
    private after: Position,
    private readonly listener: (events: readonly Recorded<Event>[]) => void,
  ) {}

  start(): void {
    this.unsubscribe = this.store.onAppended(() => this.hint(), this.store.context);
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.unsubscribe();
    this.wake();
    await this.running;
  }

  /** Milliseconds since the log was last read; infinite when it never was. */
  get readAgoMs(): number {
    return performance.now() - this.readAt;
  }

  private hint(): void {
    this.isHinted = true;
    this.wake();
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      // What is appended while the log is being read may have come too late for that read.
      this.isHinted = false;
      try {
        const slice = await this.store.read<Event>(this.after, SLICE_MAX);
        this.readAt = performance.now();
        if (slice.events.length > 0) this.listener(slice.events);
        const isAtEnd = slice.through - this.after < SLICE_MAX;
        this.after = slice.through;
        if (isAtEnd && !this.isHinted) await this.pause(POLL_MS);
      } catch (fault) {
        this.logger.warn({ err: fault }, 'the log could not be read');
        await this.pause(PAUSE_MS, { isHintHeard: false });
      }
    }
  }

  private pause(ms: number, { isHintHeard = true } = {}): Promise<void> {
    if (this.stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.wake = () => undefined;
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.wake = () => {
        if (isHintHeard || this.stopped) end();
      };
    });
  }
}
