/** One thing after another, in the order in which they were asked for. */
export class Line {
  private length = 0;
  private last: Promise<unknown> = Promise.resolve();

  /** @param onEmpty Called whenever nothing is under way or waiting any more. */
  constructor(private readonly onEmpty: () => void) {}

  get isEmpty(): boolean {
    return this.length === 0;
  }

  enter<Result>(work: () => Promise<Result>): Promise<Result> {
    this.length++;
    const result = this.last.then(work).finally(() => {
      if (--this.length === 0) this.onEmpty();
    });
    this.last = result.catch(() => undefined); // Whoever entered it is told.
    return result;
  }
}
