import { Fault } from '@downbeat/eventsourcing';
import type { LoggerService } from '@nestjs/common';

const EVERY_MS = 1_000;
const KINDS_MAX = 100;

interface Recent {
  readonly loggedAt: number;
  /** The same again since then, of whichever run. */
  unlogged: number;
}

/**
 * What keeps runs from going on, in the log. One database that is down is met by thousands of runs
 * at once: each kind of fault is logged once a second, with the number of those that were not.
 */
export class FaultLog {
  private readonly recent = new Map<string, Recent>();

  constructor(
    private readonly logger: Pick<LoggerService, 'warn' | 'error'>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  met(workflowId: string, fault: unknown): void {
    const kind = fault instanceof Fault ? fault.code : String(fault).slice(0, 200);
    const before = this.recent.get(kind);
    if (before && this.now() - before.loggedAt < EVERY_MS) {
      before.unlogged++;
      return;
    }
    if (this.recent.size >= KINDS_MAX) this.recent.clear();
    this.recent.set(kind, { loggedAt: this.now(), unlogged: 0 });
    const facts = { err: fault, workflow_id: workflowId, unlogged_before: before?.unlogged ?? 0 };
    if (fault instanceof Fault && fault.remedy === 'retry')
      this.logger.warn(facts, 'a run has to wait');
    else this.logger.error(facts, 'a run cannot go on');
  }
}
