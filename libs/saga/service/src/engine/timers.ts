import type { Clock } from '@downbeat/service-host';

/** No sleep is longer, so that a clock that was set is noticed; and the runtime's own limit is 24 days. */
const SLEEP_MAX_MS = 60_000;

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
    const sleepMs = Math.min(Math.max(leftMs, 0), SLEEP_MAX_MS);
    const sleep = setTimeout(() => this.woke(timerId, dueMs), sleepMs);
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

  private woke(timerId: string, dueMs: number): void {
    if (this.clock.now() < dueMs) return this.set(timerId, dueMs);
    this.sleeping.delete(timerId);
    this.onDue(timerId);
  }
}
