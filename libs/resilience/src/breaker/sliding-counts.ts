const SLICES = 10;

export interface Counts {
  readonly calls: number;
  readonly failures: number;
  readonly slow: number;
}

interface Slice {
  calls: number;
  failures: number;
  slow: number;
}

const none = (): Slice => ({ calls: 0, failures: 0, slow: 0 });

/**
 * Calls, failures and slow calls of the last `windowMs`, to a tenth of it. Ten slices, whatever the
 * rate; their sum is kept, so that asking after each call costs nothing.
 */
export class SlidingCounts {
  private readonly sliceMs: number;
  private readonly slices: readonly Slice[] = Array.from({ length: SLICES }, none);
  private readonly total = none();
  private current: Slice = none();
  /** Number of the newest slice, and when it ends. */
  private newest = Number.NEGATIVE_INFINITY;
  private endMs = Number.NEGATIVE_INFINITY;

  constructor(windowMs: number) {
    this.sliceMs = windowMs / SLICES;
  }

  /** Of the window that ended with the newest call added. */
  get latest(): Counts {
    return this.total;
  }

  add(calls: number, failures: number, nowMs: number, slow = 0): void {
    // A clock that was set back adds to the newest slice.
    if (nowMs >= this.endMs) this.turn(nowMs);
    const { current, total } = this;
    current.calls += calls;
    current.failures += failures;
    current.slow += slow;
    total.calls += calls;
    total.failures += failures;
    total.slow += slow;
  }

  /** Changes nothing. */
  sum(nowMs: number): Counts {
    const number = Math.floor(nowMs / this.sliceMs);
    if (number <= this.newest) return { ...this.total };
    const sum = none();
    for (let one = number - SLICES + 1; one <= this.newest; one++) {
      const slice = this.sliceOf(one);
      sum.calls += slice.calls;
      sum.failures += slice.failures;
      sum.slow += slice.slow;
    }
    return sum;
  }

  clear(): void {
    for (const slice of this.slices) Object.assign(slice, none());
    Object.assign(this.total, none());
  }

  private turn(nowMs: number): void {
    const number = Math.floor(nowMs / this.sliceMs);
    const first = Math.max(this.newest + 1, number - SLICES + 1);
    for (let one = first; one <= number; one++) {
      const { total } = this;
      const slice = this.sliceOf(one);
      total.calls -= slice.calls;
      total.failures -= slice.failures;
      total.slow -= slice.slow;
      Object.assign(slice, none());
    }
    this.newest = number;
    this.endMs = (number + 1) * this.sliceMs;
    this.current = this.sliceOf(number);
  }

  private sliceOf(number: number): Slice {
    const slice = this.slices[((number % SLICES) + SLICES) % SLICES];
    if (!slice) throw new RangeError(`there is no slice ${number}: the time is not a number`);
    return slice;
  }
}
