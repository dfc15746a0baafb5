import { Fault } from '@downbeat/eventsourcing';
import { Injectable } from '@nestjs/common';

/** Replays and verifications at once, of one process: each reads a good part of the log. */
const RUNNING_MAX = 2;

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

  /** @throws {AuditBusy} */
  async run<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    if (this.running >= RUNNING_MAX)
      throw new AuditBusy(`${RUNNING_MAX} replays or verifications are under way; ask again later`);
    this.running++;
    try {
      return await work();
    } finally {
      this.running--;
    }
  }
}
