import { TimerWheel, type WheelEntry } from '../deadline/timer-wheel';

const TICK_MS = 10;

/**
 * The time-outs of a process: one timer, however many calls wait, and none while none does. The only
 * place of this library that has a timer.
 */
export class TimeOuts {
  private readonly wheel: TimerWheel;
  private timer: NodeJS.Timeout | undefined;
  private readonly onTick = () => this.advance();

  /** @param now Milliseconds that never go back. @param tickMs A time-out is up to so late. */
  constructor(
    private readonly now: () => number,
    private readonly tickMs = TICK_MS,
  ) {
    this.wheel = new TimerWheel(tickMs);
  }

  get waiting(): number {
    return this.wheel.size;
  }

  add(entry: WheelEntry, dueMs: number): void {
    this.wheel.add(entry, dueMs);
    this.timer ??= setTimeout(this.onTick, this.tickMs);
  }

  remove(entry: WheelEntry): void {
    this.wheel.remove(entry);
  }

  private advance(): void {
    this.timer = undefined;
    try {
      this.wheel.advance(this.now());
    } finally {
      if (this.wheel.size > 0) this.timer ??= setTimeout(this.onTick, this.tickMs);
    }
  }
}

/** For {@link RetryPorts}: waits are rare, so that each may have a timer. */
export const wait = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));
