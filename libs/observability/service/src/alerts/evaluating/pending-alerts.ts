import type { Pending } from '@downbeat/observability-domain';
import { inTransaction } from '@downbeat/publishing';
import { ContextPool } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';

/** Nobody has looked for so long that nobody knows whether it held all the time. */
const FORGOTTEN_AFTER_SECONDS = 60;

/**
 * Conditions that hold and do not fire yet, as the replica that evaluates saw them last: for those who ask, and
 * for the one that takes over. Not in the log, and lost in a crash of the database: then the wait begins anew.
 */
@Injectable()
export class PendingAlerts {
  /** What is kept now, as text. */
  private kept: string | undefined;

  constructor(private readonly pool: ContextPool) {}

  async prepare(): Promise<void> {
    await this.pool.createOnce(
      'alert_pending',
      `create unlogged table if not exists alert_pending (
         is_only boolean primary key default true check (is_only),
         pending json not null,
         seen_at timestamptz not null
       )`,
    );
  }

  async read(): Promise<readonly Pending[]> {
    const { rows } = await this.pool.query<{ pending: readonly Pending[] }>(
      `select pending from alert_pending where seen_at > now() - make_interval(secs => $1::float8)`,
      [FORGOTTEN_AFTER_SECONDS],
    );
    return rows[0]?.pending ?? [];
  }

  async keep(pending: readonly Pending[]): Promise<void> {
    const text = JSON.stringify(pending);
    await inTransaction(this.pool.pool, async (client) => {
      if (text === this.kept)
        await client.query('update alert_pending set seen_at = clock_timestamp()');
      else
        await client.query(
          `insert into alert_pending (pending, seen_at) values ($1, clock_timestamp())
           on conflict (is_only) do update set pending = excluded.pending, seen_at = excluded.seen_at`,
          [text],
        );
    });
    this.kept = text;
  }
}
