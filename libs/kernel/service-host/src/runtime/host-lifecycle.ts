import { Logger } from '@nestjs/common';
import type { ContextRuntime } from './context-runtime';

/** A context that runs in this process, as probes and metrics see it. */
export type WatchedContext = Pick<ContextRuntime, 'context' | 'takesCommands' | 'status'>;

type Ending = { readonly what: string; readonly end: () => Promise<void> };

/**
 * What has to end with the process, in three steps: stop taking work, finish what is under way,
 * close what it needed. Within a step the newest goes first.
 */
export class HostLifecycle {
  private readonly logger = new Logger(HostLifecycle.name);
  private readonly stops: Ending[] = [];
  private readonly closes: Ending[] = [];
  private readonly watched: WatchedContext[] = [];

  /** Something that works by itself: loops, timers, projectors. */
  onStop(what: string, end: () => Promise<void>): void {
    this.stops.unshift({ what, end });
  }

  /** Something that others need until they have stopped: pools, connections. */
  onClose(what: string, end: () => Promise<void>): void {
    this.closes.unshift({ what, end });
  }

  watch(runtime: WatchedContext): void {
    this.watched.push(runtime);
  }

  get runtimes(): readonly WatchedContext[] {
    return this.watched;
  }

  async stop(): Promise<void> {
    await this.end(this.stops);
  }

  async close(): Promise<void> {
    await this.end(this.closes);
  }

  private async end(endings: readonly Ending[]): Promise<void> {
    for (const { what, end } of endings)
      await Promise.resolve()
        .then(end)
        .catch((fault: unknown) => this.logger.warn({ err: fault }, `${what} did not end well`));
  }
}
