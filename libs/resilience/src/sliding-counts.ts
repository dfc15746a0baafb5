const SLICES = 10;

interface Slice {
  readonly number: number;
  calls: number;
  failures: number;
}

/** Calls and failures of the last `windowMs`, to a tenth of it. Ten slices, whatever the rate. */
export class SlidingCounts {
  private readonly sliceMs: number;
  private slices: Slice[] = [];

  constructor(windowMs: number) {
    this.sliceMs = windowMs / SLICES;
  }

  add(calls: number, failures: number, nowMs: number): void {
    const number = Math.floor(nowMs / this.sliceMs);
    const last = this.slices.at(-1);
    // A clock that was set back adds to the newest slice.
    if (last && last.number >= number) {
      last.calls += calls;
      last.failures += failures;
      return;
    }
    this.drop(number);
    this.slices.push({ number, calls, failures });
  }

  sum(nowMs: number): { readonly calls: number; readonly failures: number } {
    this.drop(Math.floor(nowMs / this.sliceMs));
    let calls = 0;
    let failures = 0;
    for (const slice of this.slices) {
      calls += slice.calls;
      failures += slice.failures;
    }
    return { calls, failures };
  }

  clear(): void {
    this.slices = [];
  }

  private drop(number: number): void {
    if ((this.slices[0]?.number ?? number) <= number - SLICES)
      this.slices = this.slices.filter((slice) => slice.number > number - SLICES);
  }
}
