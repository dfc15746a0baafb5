import type { Clock } from '@downbeat/service-host';

/** The longest time a timer of the runtime can hold. */
const SLEEP_MAX_MS = 2_147_483_647;

/** The timers of one run. Their due times stand in its events, so losing them costs nothing. */
export class Timers {
  private readonly sleeping = new Map<string, NodeJS.Timeout>();

  constructor(
    private readonly clock: Clock,
    private readonly onDue: (timerId: string) => void,
  ) {}

  /** @param dueMs Milliseconds since 1970-01-01T00:00Z. The same id again replaces the timer. */
  set(timerId: string, dueMs: number): void {
    this.cancel(timerId);
    const leftMs = dueMs - this.clock.now();
    const sleep = setTimeout(
      () => {
        if (this.clock.now() < dueMs) return this.set(timerId, dueMs);
        this.sleeping.delete(timerId);
        this.onDue(timerId);
      },
      Math.min(Math.max(leftMs, 0), SLEEP_MAX_MS),
    );
    this.sleeping.set(timerId, sleep);
  }

  cancel(timerId: string): void {
    clearTimeout(this.sleeping.get(timerId));
    this.sleeping.delete(timerId);
  }

  clear(): void {
    for (const sleep of this.sleeping.values()) clearTimeout(sleep);
    this.sleeping.clear();
  }
}
