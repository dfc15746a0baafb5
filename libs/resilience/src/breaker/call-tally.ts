import type { MeteredCalls } from './call-meter';

/** Calls that ended in a stretch of time; in what order is not kept. */
export interface CallInterval {
  readonly fromMs: number;
  readonly lastsMs: number;
  readonly calls: number;
  readonly failures: number;
  readonly slow: number;
  /** Kept away by the breaker: refused, or made to wait. */
  readonly refused: number;
  /** The longest row of failures within it. */
  readonly failuresInARow: number;
}

type Counted = { -readonly [Field in keyof CallInterval]: CallInterval[Field] };

const INTERVAL_MS = 60_000;
const INTERVALS_MAX = 180;

/**
 * What was called through one breaker, by the minute of the calendar, until somebody takes it. When
 * nobody does for long, the oldest minutes are merged: numbers are kept, their times get coarser.
 */
export class CallTally {
  private readonly intervals: Counted[] = [];

  /** @param intervalsMax At least 2. */
  constructor(
    private readonly intervalMs = INTERVAL_MS,
    private readonly intervalsMax = INTERVALS_MAX,
  ) {}

  get isEmpty(): boolean {
    return this.intervals.length === 0;
  }

  /** Adds calls that ended since it was last told, as of now: as exact as it is told often. */
  add({ calls, failures, slow, refused, longestRow }: MeteredCalls, nowMs: number): void {
    if (calls + refused === 0) return;
    const one = this.at(nowMs);
    one.calls += calls;
    one.failures += failures;
    one.slow += slow;
    one.refused += refused;
    // A row that began in the minute before counts for what is of this one.
    one.failuresInARow = Math.max(one.failuresInARow, Math.min(longestRow, one.failures));
  }

  keptAway(nowMs: number): void {
    this.at(nowMs).refused++;
  }

  /** The oldest first; what is taken is gone. */
  take(max: number): readonly CallInterval[] {
    return this.intervals.splice(0, max);
  }

  private at(nowMs: number): Counted {
    const fromMs = Math.floor(nowMs / this.intervalMs) * this.intervalMs;
    const last = this.intervals.at(-1);
    // A clock that was set back adds to the newest.
    if (last && fromMs < last.fromMs + last.lastsMs) return last;
    const counts = { calls: 0, failures: 0, slow: 0, refused: 0, failuresInARow: 0 };
    const next: Counted = { fromMs, lastsMs: this.intervalMs, ...counts };
    this.intervals.push(next);
    if (this.intervals.length > this.intervalsMax) this.mergeOldest();
    return next;
  }

  private mergeOldest(): void {
    const [one, other] = this.intervals;
    if (!one || !other) return;
    other.lastsMs += other.fromMs - one.fromMs;
    other.fromMs = one.fromMs;
    other.calls += one.calls;
    other.failures += one.failures;
    other.slow += one.slow;
    other.refused += one.refused;
    other.failuresInARow = Math.max(one.failuresInARow, other.failuresInARow);
    this.intervals.shift();
  }
}
