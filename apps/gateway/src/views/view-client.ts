import type { ServerResponse } from 'node:http';
import type { Problem } from '@downbeat/message-bus';
import { endWithin } from '../stream/client-places';
import { nextStep, type Shown } from './showing-plan';
import { isFinal, type ViewNews } from './view-news';
import type { ViewSettings } from './view-settings';
import type { WatchedView } from './watched-view';

export interface ViewClientOptions {
  readonly response: ServerResponse;
  readonly view: WatchedView;
  readonly everyMs: number;
  /** Of the answer the client came with, if that is still the one there is. */
  readonly tag: string | undefined;
  /** The problem document, for this client. */
  readonly written: (problem: Problem) => string;
  readonly settings: ViewSettings;
}

/**
 * One connected client. It pulls: the newest answer is looked for when the one before has been taken,
 * so a slow client skips answers, and one answer at most waits for it in memory.
 */
export class ViewClient {
  private shown: Shown;
  private wakeUp: () => void = () => undefined;

  constructor(private readonly options: ViewClientOptions) {
    this.shown = { tag: options.tag, atMs: -Infinity, problemCode: undefined };
  }

  /** There is something new, or the client left. */
  readonly moved = (): void => this.wakeUp();

  /** Returns when the client is gone. */
  async run(): Promise<void> {
    const { response, view, everyMs, settings } = this.options;
    const heartbeat = setInterval(() => this.beat(), settings.heartbeatMs);
    response.once('close', this.moved);
    try {
      while (this.isOpen) {
        const step = view.news
          ? nextStep(this.shown, view.news, everyMs, performance.now())
          : ({ kind: 'rest' } as const);
        if (step.kind === 'send') await this.send(step.event, view.news as ViewNews);
        else await this.woken(step.kind === 'wait' ? step.ms : undefined);
      }
    } finally {
      clearInterval(heartbeat);
    }
  }

  private get isOpen(): boolean {
    const { response } = this.options;
    return !response.destroyed && !response.writableEnded;
  }

  private async send(event: string, news: ViewNews): Promise<void> {
    const { response } = this.options;
    const atMs = performance.now();
    response.cork();
    response.write(`event: ${event}\n`);
    if (news.kind === 'answer') {
      this.shown = { tag: news.tag, atMs, problemCode: undefined };
      response.write(news.frame);
    } else {
      this.shown = { ...this.shown, atMs, problemCode: news.problem.code };
      response.write(`data: ${this.options.written(news.problem)}\n\n`);
      if (isFinal(news)) endWithin(response, this.options.settings.stalledMs);
    }
    response.uncork();
    if (response.writableNeedDrain) await this.drained();
  }

  /** A comment keeps proxies from closing. */
  private beat(): void {
    const { response } = this.options;
    if (this.isOpen && !response.writableNeedDrain) response.write(': heartbeat\n\n');
  }

  /** Until something moved, the client left, or the time is over. */
  private woken(timeoutMs?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer =
        timeoutMs === undefined ? undefined : setTimeout(() => this.wakeUp(), timeoutMs);
      this.wakeUp = () => {
        clearTimeout(timer);
        this.wakeUp = () => undefined;
        resolve();
      };
    });
  }

  /** Until the client has taken what was written; one that does not is let go. */
  private drained(): Promise<void> {
    const { response, settings } = this.options;
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        response.off('drain', done).off('close', done);
        resolve();
      };
      const timer = setTimeout(() => response.destroy(), settings.stalledMs);
      response.once('drain', done).once('close', done);
    });
  }
}
