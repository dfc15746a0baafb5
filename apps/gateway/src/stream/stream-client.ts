import type { ServerResponse } from 'node:http';
import { Logger } from '@nestjs/common';
import { Fault } from '@downbeat/eventsourcing';
import type { MessageBus } from '@downbeat/message-bus';
import { frameOf, type Frame } from './event-ring';
import { accepts, readLog, type StreamFilter } from './log-page';
import type { LogReader } from './log-reader';
import type { StreamSettings } from './stream-settings';

/**
 * One connected client. It pulls: the next event is looked for when the one before has been taken,
 * so a slow client holds back nobody and keeps at most one page in memory.
 */
export class StreamClient {
  private readonly logger = new Logger(StreamClient.name);
  /** The client has seen everything up to here, or does not want it. */
  private position = 0;
  private wakeUp: () => void = () => undefined;

  constructor(
    private readonly bus: MessageBus,
    private readonly reader: LogReader,
    private readonly settings: StreamSettings,
    private readonly response: ServerResponse,
    private readonly filter: StreamFilter,
  ) {}

  /** The head of the log moved. */
  readonly moved = (): void => this.wakeUp();

  /** Sends what stands behind `position`; returns when the client is gone. */
  async run(position: number): Promise<void> {
    this.position = position;
    const heartbeat = setInterval(() => this.beat(), this.settings.heartbeatMs);
    try {
      while (this.isOpen) {
        const frame = this.reader.frameAfter(this.position);
        if (frame) await this.offer(frame);
        else if (this.position < this.reader.head) await this.catchUp();
        else await this.woken();
      }
    } finally {
      clearInterval(heartbeat);
    }
  }

  private get isOpen(): boolean {
    return !this.response.destroyed && !this.response.writableEnded;
  }

  private async offer({ event, text }: Frame): Promise<void> {
    if (accepts(this.filter, event) && !this.response.write(text)) await this.drained();
    this.position = event.position;
  }

  /** Reads by itself what the shared ring no longer holds. */
  private async catchUp(): Promise<void> {
    const { context: _, ...filter } = this.filter;
    const range = { after_position: this.position, until_position: this.reader.head };
    const limit = this.settings.catchUpEventsMax;
    let cursor: string | undefined;
    try {
      do {
        const page = await readLog(this.bus, { ...filter, ...range, limit, cursor });
        for (const event of page.events) {
          if (!this.isOpen) return;
          await this.offer(frameOf(event));
        }
        cursor = page.next_cursor;
      } while (cursor !== undefined);
      this.position = range.until_position;
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      this.logger.warn(`a client cannot catch up now, it tries again soon: ${fault.code}`);
      await this.woken(this.settings.pollMs);
    }
  }

  /** A comment keeps proxies from closing; the id lets a client that filters resume near the head. */
  private beat(): void {
    if (this.isOpen && !this.response.writableNeedDrain)
      this.response.write(`: heartbeat\nid: ${this.position}\n\n`);
  }

  /** Until the head moved, the client left, or the time is over. */
  private woken(timeoutMs?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer =
        timeoutMs === undefined ? undefined : setTimeout(() => this.wakeUp(), timeoutMs);
      this.wakeUp = () => {
        clearTimeout(timer);
        this.response.off('close', this.moved);
        this.wakeUp = () => undefined;
        resolve();
      };
      this.response.once('close', this.moved);
    });
  }

  /** Until the client has taken what was written; one that does not is let go. */
  private drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.response.off('drain', done).off('close', done);
        resolve();
      };
      const timer = setTimeout(() => this.response.destroy(), this.settings.stalledMs);
      this.response.once('drain', done).once('close', done);
    });
  }
}
