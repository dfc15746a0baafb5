import { ProjectionRunner } from '@downbeat/projections';
import { ContextPool, HostMetrics, Periodic } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { workflows } from '../projections/workflows/workflows.projection';

const REFRESH_EVERY_MS = 5_000;
const STATUSES = ['running', 'compensating', 'completed', 'failed', 'compensated'] as const;

/** How many runs there are in each state, of all replicas, archived ones not; a few seconds old. */
@Injectable()
export class RunCounts {
  private counts: ReadonlyMap<string, number> = new Map();
  private readonly periodic = new Periodic('counting runs', REFRESH_EVERY_MS, () => this.refresh());

  constructor(
    private readonly pool: ContextPool,
    private readonly projections: ProjectionRunner,
    { registry }: HostMetrics,
  ) {
    const current = (status: string): number => this.counts.get(status) ?? 0;
    new Gauge({
      registers: [registry],
      name: 'downbeat_saga_runs',
      help: 'Runs by state, of all replicas, archived ones not; each replica shows the same',
      labelNames: ['status'],
      collect() {
        for (const status of STATUSES) this.set({ status }, current(status));
      },
    });
  }

  start(): void {
    this.periodic.start({ atOnce: true });
  }

  async stop(): Promise<void> {
    await this.periodic.stop();
  }

  private async refresh(): Promise<void> {
    // A log that has never been projected has no tables yet; there are no runs either.
    if (!this.projections.status().some((one) => one.name === workflows.name && one.is_served))
      return;
    const { rows } = await this.pool.query<{ status: string; count: number }>(
      `select current_status as status, sum(count)::float8 as count from workflow_count group by 1`,
    );
    this.counts = new Map(rows.map(({ status, count }) => [status, count]));
  }
}
