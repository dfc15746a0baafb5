import { RebuildsOverloaded } from '../errors';

/** A few at a time, a few more in line, everyone else is sent away. */
export class Limiter {
  private running = 0;
  private readonly waiting: { readonly begin: () => void }[] = [];

  constructor(
    private readonly runningMax: number,
    private readonly waitingMax: number,
    private readonly waitMs: number,
  ) {}

  /** @throws {RebuildsOverloaded} The line is full, or standing in it took too long. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    await this.enter();
    try {
      return await work();
    } finally {
      this.leave();
    }
  }

  private enter(): Promise<void> {
    if (this.running < this.runningMax) {
      this.running++;
      return Promise.resolve();
    }
    if (this.waiting.length >= this.waitingMax)
      return Promise.reject(new RebuildsOverloaded(`${this.waitingMax} rebuilds wait already`));
    return new Promise((resolve, reject) => {
      const place = {
        begin: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      const timer = setTimeout(() => {
        this.waiting.splice(this.waiting.indexOf(place), 1);
        reject(new RebuildsOverloaded(`no rebuild could begin within ${this.waitMs} ms`));
      }, this.waitMs);
      this.waiting.push(place);
    });
  }

  /** Whoever is next takes the place over. */
  private leave(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.running--;
    else next.begin();
  }
}
