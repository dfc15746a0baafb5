/** What a participant was asked, in one round. */
export interface CallReport {
  readonly calls: number;
  /** Different idempotency keys. */
  readonly keys: number;
  /** Keys that came more than once, with the moments in ms since 1970. */
  readonly repeated: readonly { readonly key: string; readonly atMs: readonly number[] }[];
}

/** Counts calls by idempotency key, so that a call too many or too few shows. */
export class CallCounter {
  private readonly seen = new Map<string, number[]>();
  private calls = 0;

  /** In this round so far. */
  get total(): number {
    return this.calls;
  }

  count(key: string, atMs: number): void {
    this.calls++;
    const before = this.seen.get(key);
    if (before) before.push(atMs);
    else this.seen.set(key, [atMs]);
  }

  /** Begins a new round. */
  take(): CallReport {
    const repeated = [...this.seen].flatMap(([key, atMs]) =>
      atMs.length > 1 ? [{ key, atMs }] : [],
    );
    const report = { calls: this.calls, keys: this.seen.size, repeated };
    this.calls = 0;
    this.seen.clear();
    return report;
  }
}
