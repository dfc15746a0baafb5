import { setImmediate as othersHadTheirTurn } from 'node:timers/promises';
import { RequestRefused } from './request-refused';

const WAITING_MAX = 64;
const RETRY_AFTER_SECONDS = 1;

/** One body at a time is unpacked and read: what is made of it is many times as large as it was. */
export class Turns {
  private waiting = 0;
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly waitingMax = WAITING_MAX) {}

  /** @throws {RequestRefused} Too many wait. */
  async take<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.waiting > this.waitingMax)
      throw new RequestRefused(
        429,
        'more spans come in than can be read: send them again later',
        RETRY_AFTER_SECONDS,
      );
    this.waiting++;
    const turn = this.last.then(async () => {
      await othersHadTheirTurn();
      return work();
    });
    this.last = turn.then(ended, ended);
    try {
      return await turn;
    } finally {
      this.waiting--;
    }
  }
}

/** Who took the turn hears how it went. */
const ended = (): void => undefined;
