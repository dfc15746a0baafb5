interface Waiting {
  /** Somebody still wants to know. */
  readonly isWanted: () => boolean;
  readonly enter: () => void;
  readonly leave: () => void;
}

/** Lets so many work at once; the others wait in their order, for a while, and as long as somebody wants what they would find. */
export class AskingRoom {
  private underWay = 0;
  private waiting: Waiting[] = [];

  /** @param crowd So many wait before those are sent away whom nobody wants any more. */
  constructor(
    private readonly max: number,
    private readonly crowd: number,
    private readonly waitMs: number,
  ) {}

  get waitingCount(): number {
    return this.waiting.length;
  }

  /** @returns What came of it; undefined when nobody wanted it any more, or it had no place in time. */
  async enter<Result>(
    isWanted: () => boolean,
    work: () => Promise<Result>,
  ): Promise<Result | undefined> {
    if (this.underWay < this.max) this.underWay++;
    else if (!(await this.admitted(isWanted))) return undefined;
    try {
      return await work();
    } finally {
      this.handOn();
    }
  }

  private admitted(isWanted: () => boolean): Promise<boolean> {
    if (this.waiting.length >= this.crowd) this.sendAway();
    return new Promise((resolve) => {
      const left = (isAdmitted: boolean) => () => {
        clearTimeout(timer);
        resolve(isAdmitted);
      };
      const waiting = { isWanted, enter: left(true), leave: left(false) };
      const timer = setTimeout(() => this.giveUp(waiting), this.waitMs);
      this.waiting.push(waiting);
    });
  }

  private giveUp(late: Waiting): void {
    this.waiting = this.waiting.filter((one) => one !== late);
    late.leave();
  }

  private sendAway(): void {
    for (const { isWanted, leave } of this.waiting) if (!isWanted()) leave();
    this.waiting = this.waiting.filter(({ isWanted }) => isWanted());
  }

  /** A place is handed on, not given back, so that nobody overtakes. */
  private handOn(): void {
    for (let next = this.waiting.shift(); next; next = this.waiting.shift()) {
      if (next.isWanted()) return next.enter();
      next.leave();
    }
    this.underWay--;
  }
}
