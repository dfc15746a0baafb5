import { instantOf } from '@downbeat/eventsourcing';
import { MessageBus } from '@downbeat/message-bus';
import { ReadModels } from '@downbeat/projections';
import { SessionLock } from '@downbeat/publishing';
import { dueRules, type DueRule, type RetentionAct } from '@downbeat/saga-domain';
import { ContextPool, HostSettings, loadConfig, SoleReplica } from '@downbeat/service-host';
import { Injectable, Logger } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { OperateWorkflow } from '../commands/operate-workflow';
import { DatabaseClock } from '../engine/database-clock';
import { HintedReading, type AsOf } from '../projections/hinted-reading';
import { workflows } from '../projections/workflows/workflows.projection';
import { sagaConfig } from '../saga-config';
import { dueRuns, workflowNames, type Due, type DueRun } from './due-runs';
import { OldBulkOperations } from './old-bulk-operations';
import { RetentionPolicies } from './retention-policies';
import { BATCH_MAX, RetentionRunner } from './retention-runner';

/** Wakes the replica that archives when a policy was changed: `{ position }`. */
export const RETENTION_HINT = 'hint.saga.retention';

const TURN_EVERY_MS = 60_000;
const DAY_MS = 86_400_000;

/** Has one replica archive and purge what is due. */
@Injectable()
export class RetentionWatch {
  private readonly logger = new Logger(RetentionWatch.name);
  private readonly turns: SoleReplica;
  private readonly reading: HintedReading;
  private readonly perSecond: number;
  private readonly operationsKeptMs: number;
  private runner: RetentionRunner | undefined;

  constructor(
    private readonly readModels: ReadModels,
    private readonly policies: RetentionPolicies,
    private readonly operations: OldBulkOperations,
    private readonly clock: DatabaseClock,
    private readonly operate: OperateWorkflow,
    bus: MessageBus,
    pool: ContextPool,
    { config, environment }: HostSettings,
  ) {
    const settings = loadConfig(sagaConfig, environment);
    this.perSecond = settings.SAGA_RETENTION_PER_SECOND;
    this.operationsKeptMs = settings.SAGA_BULK_OPERATIONS_KEPT_DAYS * DAY_MS;
    this.reading = new HintedReading('retention', TURN_EVERY_MS, bus, RETENTION_HINT, (as) =>
      this.turn(as),
    );
    this.turns = new SoleReplica(
      new SessionLock(pool.pool, `downbeat retention ${config.LOG_NAME}`),
      { begin: () => this.begin(), end: () => this.end() },
    );
  }

  start(): void {
    this.turns.start();
  }

  async stop(): Promise<void> {
    await this.turns.stop();
  }

  private begin(): void {
    const { clock, operate, perSecond } = this;
    this.runner = new RetentionRunner({
      rulesOf: (act, as) => this.rulesOf(act, as),
      next: (due, after) => this.next(due, after),
      clock,
      perSecond,
      say: (word, cause) => operate.carryOut(word, cause),
      pause: (ms, signal) =>
        sleep(ms, undefined, { signal, ref: false }).catch((fault: unknown) => {
          if (!signal.aborted) throw fault;
        }),
      onFault: (workflow_id, fault) =>
        this.logger.warn({ err: fault, workflow_id }, 'a run could not be archived or purged'),
    });
    this.reading.start();
  }

  private async end(): Promise<void> {
    this.runner?.stop();
    await this.reading.stop();
    this.runner = undefined;
  }

  private async rulesOf(act: RetentionAct, as: AsOf): Promise<readonly DueRule[]> {
    const said = await this.policies.said(as);
    const { data: names } = await this.readModels.ask(workflows, as, workflowNames);
    return dueRules(act, names, said);
  }

  private async next(due: Due, after: DueRun | undefined): Promise<readonly DueRun[]> {
    const { data } = await this.readModels.ask(workflows, {}, (manager) =>
      dueRuns(manager, due, { after, limit: BATCH_MAX }),
    );
    return data;
  }

  private async turn(as: AsOf): Promise<void> {
    const done = await this.runner?.turn(as);
    if (done && done.archive + done.purge > 0)
      this.logger.log({ archived: done.archive, purged: done.purge }, 'ended runs left the lists');
    // Behind the runs: an operation that cannot be forgotten keeps none of them.
    await this.operations.forget(instantOf(this.clock.now() - this.operationsKeptMs));
  }
}
