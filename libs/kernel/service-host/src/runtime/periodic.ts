import { Logger } from '@nestjs/common';

/** Does something again and again, never twice at once; a fault is logged and the next turn comes all the same. */
export class Periodic {
  private readonly logger = new Logger(Periodic.name);
  private timer: NodeJS.Timeout | undefined;
  private turn: Promise<void> = Promise.resolve();
  private stopped = true;
  private isWorking = false;
  private isHurried = false;

  constructor(
    private readonly what: string,
    private readonly everyMs: number,
    private readonly work: () => Promise<void>,
  ) {}

  /** Does nothing when it has been started already. */
  start({ atOnce = false } = {}): void {
    if (!this.stopped) return;
    this.stopped = false;
    this.schedule(atOnce ? 0 : this.everyMs);
  }

  /** Brings the next turn forward to now, or to right after the one under way. */
  hurry(): void {
    if (this.stopped) return;
    this.isHurried = true;
    if (this.isWorking) return;
    clearTimeout(this.timer);
    this.schedule(0);
  }

  /** Ends after the turn under way. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.turn;
  }

  private schedule(delayMs: number): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.isHurried = false;
      this.isWorking = true;
      this.turn = Promise.resolve()
        .then(this.work)
        .catch((fault: unknown) => this.logger.warn({ err: fault }, `${this.what} failed`))
        .finally(() => {
          this.isWorking = false;
          this.schedule(this.isHurried ? 0 : this.everyMs);
        });
    }, delayMs);
  }
}
