/** Lets so many work at once; the others wait in their order. Whoever waits bounds how many do. */
export class AskingRoom {
  private underWay = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly max: number) {}

  async enter<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.underWay < this.max) this.underWay++;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await work();
    } finally {
      // A place is handed on, not given back, so that nobody overtakes.
      const next = this.waiting.shift();
      if (next) next();
      else this.underWay--;
    }
  }
}
