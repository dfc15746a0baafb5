import { setImmediate as othersHadTheirTurn } from 'node:timers/promises';
import { RequestAborted } from './body';
import { RequestRefused } from './request-refused';

const WAITING_MAX = 64;
const RETRY_AFTER_SECONDS = 1;
/**
 * Of the event loop, before each turn: a connection is accepted, and 64 KB of each body are read, in one
 * round, so that bodies go on coming while there is always one to read.
 */
const ROUNDS_BETWEEN = 16;

/** One body at a time is unpacked and read: what is made of it is many times as large as it was. */
export class Turns {
  private waiting = 0;
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly waitingMax = WAITING_MAX) {}

  /**
   * @param isGone Whether nobody waits for the answer any more: under load that is what most of the work
   * would be for, since exporters give up, and send again.
   * @throws {RequestRefused} Too many wait. @throws {RequestAborted} Nobody waits any more.
   */
  async take<Result>(isGone: () => boolean, work: () => Promise<Result>): Promise<Result> {
    if (this.waiting > this.waitingMax)
      throw new RequestRefused(
        429,
        'more spans come in than can be read: send them again later',
        RETRY_AFTER_SECONDS,
      );
    this.waiting++;
    const turn = this.last.then(async () => {
      for (let round = 0; round < ROUNDS_BETWEEN; round++) await othersHadTheirTurn();
      if (isGone()) throw new RequestAborted('the client went away before its turn');
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
