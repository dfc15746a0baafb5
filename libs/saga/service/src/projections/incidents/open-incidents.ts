import { ProjectionRunner } from '@downbeat/projections';
import { ContextPool, Periodic } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { incidents } from './incidents.projection';

const REFRESH_EVERY_MS = 2_000;

/** How many incidents wait for a person, of the runs of all replicas; a few seconds old. */
@Injectable()
export class OpenIncidents {
  private open = 0;
  private readonly periodic = new Periodic('counting incidents', REFRESH_EVERY_MS, () =>
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

  get count(): number {
    return this.open;
  }

  private async refresh(): Promise<void> {
    // A log that has never been projected has no tables yet; nothing waits either.
    if (!this.isReadModelThere()) return;
    const { rows } = await this.pool.query<{ open: number }>(
      `select count(*)::int as open from incident where status = 'open'`,
    );
    this.open = rows[0]?.open ?? 0;
  }

  private isReadModelThere(): boolean {
    return this.projections.status().some((one) => one.name === incidents.name && one.is_served);
  }
}
