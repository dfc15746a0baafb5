import { backOffMs } from '../pause';

const FIRST_MS = 1_000;
const MAX_MS = 3_000;

/** When to ask a server again that had no place for a request: later each time, and never in the same moment as others. */
export class AskingAgain {
  private refusals = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly ask: () => void) {}

  /** Nothing is to be asked before that time has come. */
  get isDueLater(): boolean {
    return this.timer !== undefined;
  }

  /** @returns In how many milliseconds it asks, when that is the first time in a row; undefined: it is known. */
  refused(): number | undefined {
    if (this.timer) return undefined;
    const delayMs = backOffMs(++this.refusals, FIRST_MS, MAX_MS);
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.ask();
    }, delayMs);
    return this.refusals === 1 ? delayMs : undefined;
  }

  /** There was a place. */
  granted(): void {
    this.refusals = 0;
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.refusals = 0;
  }
}
