/** Does something again and again, never twice at once; what it throws is told, and the next turn comes all the same. */
export class Turns {
  private timer: NodeJS.Timeout | undefined;
  private turn: Promise<void> | undefined;
  private isStopped = true;
  private dueMs = Infinity;
  /** Somebody hurried during the turn under way. */
  private hurriedMs = Infinity;

  /** @param work Returns when the next turn is to be, in milliseconds; undefined: after `everyMs`. */
  constructor(
    private readonly everyMs: number,
    private readonly work: () => Promise<number | void>,
    private readonly onDefect: (defect: unknown) => void,
  ) {}

  /** Does nothing when it has been started already. */
  start(firstMs = this.everyMs): void {
    if (!this.isStopped) return;
    this.isStopped = false;
    this.schedule(firstMs);
  }

  /** Brings the next turn forward, or has one follow on the one under way. @param withinMs Not at once, but by then. */
  hurry(withinMs = 0): void {
    if (this.isStopped) return;
    if (this.turn) this.hurriedMs = Math.min(this.hurriedMs, withinMs);
    else if (performance.now() + withinMs < this.dueMs) this.schedule(withinMs);
  }

  /** Ends after the turn under way. */
  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    await this.turn;
  }

  private schedule(delayMs: number): void {
    clearTimeout(this.timer);
    if (this.isStopped) return;
    this.dueMs = performance.now() + delayMs;
    this.timer = setTimeout(() => {
      this.hurriedMs = Infinity;
      this.turn = this.take().finally(() => (this.turn = undefined));
    }, delayMs);
  }

  private async take(): Promise<void> {
    let nextMs: number | undefined;
    try {
      nextMs = (await this.work()) ?? undefined;
    } catch (defect) {
      this.onDefect(defect);
    }
    this.schedule(Math.min(this.hurriedMs, nextMs ?? this.everyMs));
  }
}
