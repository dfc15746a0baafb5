import type { MessageBus } from '@downbeat/message-bus';

export interface HearingOptions {
  /** From this moment on; what came before it nobody could hear. */
  readonly listenAnew: () => Promise<void>;
  /** Whether it began when the process did: default true. */
  readonly wasHearing?: boolean;
  /** Faults that say nothing about what was heard; default none. */
  readonly isHarmless?: (fault: unknown) => boolean;
  /** Monotonic milliseconds; default: this process's. */
  readonly now?: () => number;
}

/** Shorter than any silence that an instance may be given up for. */
const STALL_MS = 1_000;
const TICK_MS = 250;

/**
 * Whether this process could hear what instances say. Time in which bus, streams or database were away, or
 * in which it did not run, must not count as their silence, nor as time in which they were watched.
 */
export class Hearing {
  /** Something may have been said that did not get here. */
  private isDeaf: boolean;
  private forget: () => void = () => undefined;
  private timer: NodeJS.Timeout | undefined;
  private ranAt = 0;

  constructor(
    private readonly bus: Pick<MessageBus, 'status' | 'takesCommands' | 'onReconnect'>,
    private readonly options: HearingOptions,
  ) {
    this.isDeaf = options.wasHearing === false;
  }

  start(): void {
    this.forget = this.bus.onReconnect(() => (this.isDeaf = true));
    this.ranAt = this.now();
    this.timer = setInterval(() => this.tick(), TICK_MS);
    this.timer.unref();
  }

  stop(): void {
    this.forget();
    clearInterval(this.timer);
  }

  /** Does it unless nobody can be heard now; listens anew before it when nobody could. @throws What it throws. */
  async whileHearing(work: () => Promise<void>): Promise<void> {
    this.tick();
    const wasDeaf = this.isDeaf;
    this.isDeaf = this.bus.status() !== 'connected' || !this.bus.takesCommands();
    if (this.isDeaf) return;
    try {
      if (wasDeaf) await this.options.listenAnew();
      await work();
    } catch (fault) {
      this.isDeaf = this.options.isHarmless?.(fault) !== true;
      throw fault;
    }
  }

  /** One that was frozen finds its connections as they were, and what was said meanwhile not yet read. */
  private tick(): void {
    const now = this.now();
    if (now - this.ranAt > STALL_MS) this.isDeaf = true;
    this.ranAt = now;
  }

  private now(): number {
    return this.options.now?.() ?? performance.now();
  }
}
