import { Fault, Rejection } from '@downbeat/eventsourcing';
import { Injectable } from '@nestjs/common';
import { OutOfPatience, Patience } from './patience';

/** Replays and verifications at once, of one process: each reads a good part of the log. */
const RUNNING_MAX = 2;
/** Who asks over HTTP waits for two minutes. */
const WORK_MS_MAX = 100_000;

/** Enough of them are under way. */
export class AuditBusy extends Fault {
  override readonly name = 'AuditBusy';
  readonly code = 'audit/busy';
  readonly remedy = 'retry';
}

/** Lets a bounded number of heavy questions run at once and turns the others away. */
@Injectable()
export class HeavyWork {
  private running = 0;

  /**
   * @param work Takes a turn between its pieces.
   * @throws {AuditBusy}
   */
  async run<Answer>(
    work: (patience: Patience) => Promise<Answer>,
    msMax = WORK_MS_MAX,
  ): Promise<Answer | Rejection> {
    if (this.running >= RUNNING_MAX)
      throw new AuditBusy(`${RUNNING_MAX} replays or verifications are under way; ask again later`);
    this.running++;
    try {
      return await work(new Patience(msMax));
    } catch (fault) {
      if (!(fault instanceof OutOfPatience)) throw fault;
      return tooLarge(`it takes longer than ${msMax} ms`);
    } finally {
      this.running--;
    }
  }
}

export const tooLarge = (why: string): Rejection =>
  new Rejection(
    'replay-too-large',
    `the replay is too large: ${why}; ask for one stream, or up to an earlier position`,
    'invalid',
  );
