/** Of the last `size` calls, which failed. */
export class CountWindow {
  private readonly failed: Uint8Array;
  private at = 0;
  private known = 0;
  private bad = 0;

  constructor(private readonly size: number) {
    this.failed = new Uint8Array(size);
  }

  get calls(): number {
    return this.known;
  }

  get failures(): number {
    return this.bad;
  }

  add(hasFailed: boolean): void {
    const value = hasFailed ? 1 : 0;
    // The oldest makes room: what has not been written yet is 0 and takes nothing away.
    this.bad += value - (this.failed[this.at] ?? 0);
    this.failed[this.at] = value;
    this.at = (this.at + 1) % this.size;
    if (this.known < this.size) this.known++;
  }

  /** Of more than fit, so many as fit, in proportion; the failures spread evenly. */
  addMany(calls: number, failures: number): void {
    const fit = Math.min(calls, this.size);
    const bad = Math.round((failures * fit) / Math.max(1, calls));
    for (let one = 0, owed = 0; one < fit; one++) {
      owed += bad;
      this.add(owed >= fit);
      if (owed >= fit) owed -= fit;
    }
  }

  clear(): void {
    this.failed.fill(0);
    this.at = this.known = this.bad = 0;
  }
}
