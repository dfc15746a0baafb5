import { ProjectionRunner } from '@downbeat/projections';
import { ContextPool, Periodic } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { workflows } from './workflows.projection';

const REFRESH_EVERY_MS = 10_000;
const RUNS_MAX = 1_000;
const WORKFLOWS_MAX = 1_000;

/** How long runs of each workflow usually take, from the newest that completed; kept in memory. */
@Injectable()
export class ExpectedDurations {
  private readonly minutes = new LRUCache<string, number>({ max: WORKFLOWS_MAX });
  private readonly periodic = new Periodic('measuring durations', REFRESH_EVERY_MS, () =>
    this.refresh(),
  );

  constructor(
    private readonly pool: ContextPool,
    private readonly projections: ProjectionRunner,
  ) {}

  start(): void {
    this.periodic.start();
  }

  async stop(): Promise<void> {
    await this.periodic.stop();
  }

  /** 0 until one has completed. */
  minutesOf(workflowName: string): number {
    return this.minutes.get(workflowName) ?? 0;
  }

  private async refresh(): Promise<void> {
    // A log that has never been projected has no tables yet; nothing has completed either.
    if (!this.isReadModelThere()) return;
    const { rows } = await this.pool.query<{ workflow_name: string; minutes: number }>(
      `select workflow_name, avg(extract(epoch from completed_at - started_at))::float8 / 60 as minutes
       from (
         (select workflow_name, completed_at, started_at, started_position from workflow
          where current_status = 'completed' order by started_position desc limit $1)
         union all
         (select workflow_name, completed_at, started_at, started_position from workflow_archive
          where current_status = 'completed' order by started_position desc limit $1)
         order by started_position desc limit $1
       ) newest
       group by workflow_name`,
      [RUNS_MAX],
    );
    // A workflow that is seldom run keeps what was measured last.
    for (const row of rows)
      this.minutes.set(row.workflow_name, Math.round(row.minutes * 1_000) / 1_000);
  }

  private isReadModelThere(): boolean {
    return this.projections.status().some((one) => one.name === workflows.name && one.is_served);
  }
}
