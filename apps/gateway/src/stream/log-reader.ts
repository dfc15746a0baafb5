import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Fault } from '@downbeat/eventsourcing';
import { MessageBus } from '@downbeat/message-bus';
import { HostSettings, logHints } from '@downbeat/service-host';
import { EventRing, frameOf, type Frame } from './event-ring';
import { readHead, readLog, type LogEvent } from './log-page';
import { StreamSettings } from './stream-settings';

const PAGE_EVENTS_MAX = 500;

/**
 * Reads the log once for all clients, while there are any: woken by the hint, or by the clock when
 * a hint was lost.
 */
@Injectable()
export class LogReader implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger(LogReader.name);
  private readonly ring: EventRing;
  private readonly listeners = new Set<() => void>();
  private position = 0;
  private isReading = false;
  private isBehind = false;
  private stop: () => void = () => undefined;

  constructor(
    private readonly bus: MessageBus,
    private readonly settings: StreamSettings,
    private readonly host: HostSettings,
  ) {
    this.ring = new EventRing(settings.ringEventsMax, settings.ringCharactersMax);
  }

  onModuleInit(): void {
    const hints = logHints(this.bus, this.host.config.LOG_NAME);
    const unsubscribe = hints.subscribe(() => void this.read());
    const timer = setInterval(() => void this.read(), this.settings.pollMs);
    this.stop = () => {
      clearInterval(timer);
      unsubscribe();
    };
  }

  onModuleDestroy(): void {
    this.stop();
    this.listeners.clear();
  }

  /** Everything up to here has been read. */
  get head(): number {
    return this.position;
  }

  frameAfter(position: number): Frame | undefined {
    return this.ring.after(position);
  }

  /**
   * Calls `listener` whenever the head moved.
   *
   * @returns The head of the log now, and how to leave.
   * @throws Faults of the bus and of the log: it cannot be read now.
   */
  async join(listener: () => void): Promise<{ readonly head: number; readonly leave: () => void }> {
    const head = await readHead(this.bus);
    if (this.listeners.size === 0) {
      // While nobody listened nothing was read, and what is in the ring has a gap behind it.
      this.ring.clear();
      this.position = head;
    }
    this.listeners.add(listener);
    void this.read();
    return { head, leave: () => void this.listeners.delete(listener) };
  }

  /** One reading at a time; a wake-up during one leads to another. */
  private async read(): Promise<void> {
    this.isBehind = true;
    if (this.isReading) return;
    this.isReading = true;
    try {
      while (this.isBehind && this.listeners.size > 0) {
        this.isBehind = false;
        const question = { after_position: this.position, limit: PAGE_EVENTS_MAX };
        this.take((await readLog(this.bus, question)).events);
      }
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      this.logger.warn(`the log cannot be read now, the next poll tries again: ${fault.code}`);
    } finally {
      this.isReading = false;
    }
  }

  private take(events: readonly LogEvent[]): void {
    const before = this.position;
    for (const event of events) {
      // A page asked for before the last client left may arrive after the next one joined.
      if (event.position <= this.position) continue;
      if (event.position !== this.position + 1) {
        this.logger.error(`the log has a gap: ${event.position} follows ${this.position}`);
        break;
      }
      this.ring.push(frameOf(event));
      this.position = event.position;
    }
    if (this.position === before) return;
    this.isBehind ||= events.length === PAGE_EVENTS_MAX;
    for (const listener of [...this.listeners]) listener();
  }
}
