import { ContextPool, Periodic } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';

const REFRESH_EVERY_MS = 10_000;

/** How long runs of each workflow usually take, from the last hundred that completed; kept in memory. */
@Injectable()
export class ExpectedDurations {
  private minutes: ReadonlyMap<string, number> = new Map();
  private readonly periodic = new Periodic('measuring durations', REFRESH_EVERY_MS, () =>
    this.refresh(),
  );

  constructor(private readonly pool: ContextPool) {}

  start(): void {
    this.periodic.start({ atOnce: true });
  }

  async stop(): Promise<void> {
    await this.periodic.stop();
  }

  /** 0 until one has completed. */
  minutesOf(workflowName: string): number {
    return this.minutes.get(workflowName) ?? 0;
  }

  private async refresh(): Promise<void> {
    const { rows } = await this.pool.query<{ workflow_name: string; minutes: number }>(
      `select d.workflow_name, recent.minutes
       from (select distinct name as workflow_name from workflow_definition) d
       cross join lateral (
         select avg(extract(epoch from completed_at - started_at))::float8 / 60 as minutes
         from (
           select completed_at, started_at from workflow w
           where w.workflow_name = d.workflow_name and w.current_status = 'completed'
           order by started_position desc limit 100
         ) hundred
       ) recent
       where recent.minutes is not null`,
    );
    this.minutes = new Map(
      rows.map((row) => [row.workflow_name, Math.round(row.minutes * 1_000) / 1_000]),
    );
  }
}
