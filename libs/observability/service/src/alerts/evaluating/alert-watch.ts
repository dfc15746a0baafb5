import { SessionLock } from '@downbeat/publishing';
import { ContextPool, HostSettings, SoleReplica } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { ProcessReports } from '../measuring/process-reports';
import { Dispatcher } from '../webhooks/dispatcher';
import { Evaluator } from './evaluator';
import { PendingAlerts } from './pending-alerts';

/** Has one replica evaluate and send for all. */
@Injectable()
export class AlertWatch {
  private readonly turns: SoleReplica;

  constructor(
    private readonly evaluator: Evaluator,
    private readonly dispatcher: Dispatcher,
    private readonly pending: PendingAlerts,
    private readonly reports: ProcessReports,
    pool: ContextPool,
    { config }: HostSettings,
  ) {
    this.turns = new SoleReplica(new SessionLock(pool.pool, `downbeat alerts ${config.LOG_NAME}`), {
      begin: () => this.begin(),
      end: () => this.end(),
    });
  }

  async prepare(): Promise<void> {
    await this.pending.prepare();
  }

  start(): void {
    this.reports.listen();
    this.turns.start();
  }

  async stop(): Promise<void> {
    this.reports.deafen();
    await this.turns.stop();
  }

  private begin(): void {
    this.dispatcher.start();
    this.evaluator.start(() => this.dispatcher.hurry());
  }

  private async end(): Promise<void> {
    await this.evaluator.stop();
    await this.dispatcher.stop();
  }
}
