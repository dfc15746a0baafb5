import { sagaContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { MessageBus } from '@downbeat/message-bus';
import { ReadModels } from '@downbeat/projections';
import { SessionLock } from '@downbeat/publishing';
import { ContextPool, HostSettings, SoleReplica } from '@downbeat/service-host';
import { Injectable, Logger } from '@nestjs/common';
import { PausedDefinitions } from '../definitions/paused-definitions';
import { DatabaseClock } from '../engine/database-clock';
import { HintedReading, type AsOf } from '../projections/hinted-reading';
import { schedulesProjection } from '../projections/schedules/schedules.projection';
import { ScheduleKeeper, type KnownSchedule } from './schedule-keeper';
import { ScheduleSnapshots } from './schedule-snapshots';
import { ScheduledRuns } from './scheduled-runs';

/** Wakes the replica that keeps the schedules when one was changed: `{ position }`. */
export const SCHEDULE_HINT = 'hint.saga.schedule';

/** A hint that was lost, and a run whose end was not heard, cost this much. */
const READ_EVERY_MS = 10_000;

/** Has one replica keep all schedules, and tells it which there are. */
@Injectable()
export class ScheduleWatch {
  private readonly logger = new Logger(ScheduleWatch.name);
  private readonly turns: SoleReplica;
  private readonly reading: HintedReading;
  private keeper: ScheduleKeeper | undefined;
  private unfollow: () => void = () => undefined;

  constructor(
    private readonly store: EventStore,
    private readonly readModels: ReadModels,
    private readonly bus: MessageBus,
    private readonly clock: DatabaseClock,
    private readonly runs: ScheduledRuns,
    private readonly snapshots: ScheduleSnapshots,
    private readonly paused: PausedDefinitions,
    pool: ContextPool,
    { config }: HostSettings,
  ) {
    this.reading = new HintedReading(
      'reading the schedules',
      READ_EVERY_MS,
      bus,
      SCHEDULE_HINT,
      (as) => this.read(as),
    );
    this.turns = new SoleReplica(
      new SessionLock(pool.pool, `downbeat schedules ${config.LOG_NAME}`),
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
    const { store, clock, runs, snapshots, bus } = this;
    this.keeper = new ScheduleKeeper({
      store,
      clock,
      runs,
      snapshots,
      onEnd: (id, listener) => bus.onHint(sagaContract.runEndedSubject(id), listener),
      onFault: (schedule, fault) =>
        this.logger.warn({ err: fault, schedule }, 'a schedule has to wait'),
    });
    this.reading.start();
    this.unfollow = this.paused.onChange(() => this.reading.hurry());
  }

  private async end(): Promise<void> {
    this.unfollow();
    await this.reading.stop();
    await this.keeper?.stop();
    this.keeper = undefined;
  }

  private async read(as: AsOf): Promise<void> {
    const { data } = await this.readModels.ask(schedulesProjection, as, (manager) =>
      manager.query<KnownSchedule[]>('select name, next_due_at, is_pending from schedule'),
    );
    this.keeper?.know(data);
  }
}
