import { EventStore } from '@downbeat/event-store';
import { MessageBus } from '@downbeat/message-bus';
import { ReadModels } from '@downbeat/projections';
import { SessionLock } from '@downbeat/publishing';
import { ContextPool, HostSettings, SoleReplica } from '@downbeat/service-host';
import { Injectable, Logger } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { OperateWorkflow } from '../commands/operate-workflow';
import { DatabaseClock } from '../engine/database-clock';
import { bulkOperations } from '../projections/bulk/bulk.projection';
import { HintedReading, type AsOf } from '../projections/hinted-reading';
import { BulkRunner } from './bulk-runner';

/** Wakes the replica that works on bulk operations when one was started: `{ position }`. */
export const BULK_HINT = 'hint.saga.bulk';

const READ_EVERY_MS = 10_000;

/** Has one replica work on bulk operations, and tells it which there are. */
@Injectable()
export class BulkWatch {
  private readonly logger = new Logger(BulkWatch.name);
  private readonly turns: SoleReplica;
  private readonly reading: HintedReading;
  private runner: BulkRunner | undefined;

  constructor(
    private readonly store: EventStore,
    private readonly readModels: ReadModels,
    private readonly clock: DatabaseClock,
    private readonly operate: OperateWorkflow,
    bus: MessageBus,
    pool: ContextPool,
    { config }: HostSettings,
  ) {
    this.reading = new HintedReading(
      'reading bulk operations',
      READ_EVERY_MS,
      bus,
      BULK_HINT,
      (as) => this.read(as),
    );
    this.turns = new SoleReplica(
      new SessionLock(pool.pool, `downbeat bulk operations ${config.LOG_NAME}`),
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
    const { store, clock, operate } = this;
    this.runner = new BulkRunner({
      store,
      clock,
      say: (word, cause) => operate.carryOut(word, cause),
      pause: (ms, signal) =>
        sleep(ms, undefined, { signal, ref: false }).catch((fault: unknown) => {
          if (!signal.aborted) throw fault;
        }),
      onFault: (bulk_id, fault) =>
        this.logger.warn({ err: fault, bulk_id }, 'a bulk operation has to wait'),
    });
    this.reading.start();
  }

  private async end(): Promise<void> {
    await this.reading.stop();
    await this.runner?.stop();
    this.runner = undefined;
  }

  private async read(as: AsOf): Promise<void> {
    const { data } = await this.readModels.ask(bulkOperations, as, (manager) =>
      manager.query<{ bulk_id: string }[]>(
        `select bulk_id from bulk_operation where status = 'running'`,
      ),
    );
    this.runner?.know(data.map(({ bulk_id }) => bulk_id));
  }
}
