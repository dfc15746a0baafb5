import { instantOf, type Position } from '@downbeat/eventsourcing';
import type { CommandOutcome } from '@downbeat/message-bus';
import type { DueRule, RetentionAct } from '@downbeat/saga-domain';
import type { Cause, Clock } from '@downbeat/service-host';
import type { Operation } from '../engine/operation';
import type { AsOf } from '../projections/hinted-reading';
import type { Due, DueRun } from './due-runs';

/** So many are found, and then spoken to, at a time. */
export const BATCH_MAX = 100;
const AT_ONCE_MAX = 10;
const ACTOR = 'saga-retention';

export interface RetentionPorts {
  /** What is due of all workflows, as the policies say it. */
  readonly rulesOf: (act: RetentionAct, as: AsOf) => Promise<readonly DueRule[]>;
  /** The next ones behind `after`, at most `BATCH_MAX`. */
  readonly next: (due: Due, after: DueRun | undefined) => Promise<readonly DueRun[]>;
  readonly clock: Clock;
  readonly perSecond: number;
  /** @throws A fault, when it is not known what became of it. */
  readonly say: (word: Operation, cause: Cause) => Promise<CommandOutcome>;
  /** Waits; returns early when `signal` is aborted. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly onFault: (workflowId: string, fault: unknown) => void;
}

/**
 * Archives, then purges, what is due, in batches and at a bounded rate; an act begins at the top when
 * the policies have changed. A run that refuses, or that cannot be asked, is passed over until the
 * next turn.
 */
export class RetentionRunner {
  private readonly stopping = new AbortController();
  /** Of the last event that came of this. */
  private position: Position = 0;

  constructor(private readonly ports: RetentionPorts) {}

  /** One turn: everything that is due now. @returns How many runs agreed. */
  async turn(as: AsOf = {}): Promise<Readonly<Record<RetentionAct, number>>> {
    const archive = await this.all('archive', as);
    // What was archived now may be due to be purged as well, once the archive shows it.
    const { position: min_position } = this;
    return { archive, purge: await this.all('purge', min_position > 0 ? { min_position } : as) };
  }

  stop(): void {
    this.stopping.abort();
  }

  private async all(act: RetentionAct, as: AsOf): Promise<number> {
    const { rulesOf, next, clock, perSecond, pause } = this.ports;
    const { signal } = this.stopping;
    let agreed = 0;
    let after: DueRun | undefined;
    let now = instantOf(clock.now());
    let before: string | undefined;
    while (!signal.aborted) {
      const begun = performance.now();
      // What is said of a policy meanwhile holds from the next batch on.
      const rules = await rulesOf(act, as);
      if (rules.length === 0) break;
      const said = keyOf(rules);
      if (said !== before) [before, after, now] = [said, undefined, instantOf(clock.now())];
      const batch = await next({ act, rules, now }, after);
      agreed += await this.sayToAll(act, batch);
      after = batch.at(-1);
      if (batch.length < BATCH_MAX) break;
      const dueMs = (batch.length / perSecond) * 1_000;
      await pause(Math.max(0, dueMs - (performance.now() - begun)), signal);
    }
    return agreed;
  }

  private async sayToAll(act: RetentionAct, batch: readonly DueRun[]): Promise<number> {
    let agreed = 0;
    const left = [...batch];
    const worker = async (): Promise<void> => {
      for (let run = left.shift(); run && !this.stopping.signal.aborted; run = left.shift())
        if (await this.sayTo(act, run.id)) agreed++;
    };
    await Promise.all(Array.from({ length: AT_ONCE_MAX }, worker));
    return agreed;
  }

  private async sayTo(act: RetentionAct, workflow_id: string): Promise<boolean> {
    const type = act === 'archive' ? 'ArchiveWorkflow' : 'PurgeWorkflow';
    const meta = { correlation_id: workflow_id, causation_id: 'retention', actor: ACTOR };
    try {
      // Without an id to remember: a run that is asked twice says yes twice, and records it once.
      const outcome = await this.ports.say({ type, data: { workflow_id }, at: NOW }, { meta });
      if (outcome.accepted) this.position = Math.max(this.position, outcome.position);
      return outcome.accepted;
    } catch (fault) {
      this.ports.onFault(workflow_id, fault);
      return false;
    }
  }
}

/** The same for the same rules, in whatever order. */
const keyOf = (rules: readonly DueRule[]): string =>
  JSON.stringify(
    rules
      .map(({ workflow_name, status, afterDays }) => `${workflow_name} ${status} ${afterDays}`)
      .toSorted(),
  );

/** The run's own clock says when. */
const NOW = instantOf(0);
