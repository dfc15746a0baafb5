import type { DeadLetter } from '@downbeat/message-bus';
import type { QuarantinedLetter } from '@downbeat/messaging-domain';
import { ContextPool, HostSettings } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';

/** A letter whose redrive nobody has answered. */
export interface OverdueLetter {
  readonly id: string;
  readonly redrives: number;
  /** Since when, as text that Postgres reads back unchanged. */
  readonly since: string;
}

/** The table of dead letters as operators change it; every change can be repeated. */
@Injectable()
export class Quarantine {
  /** The table's name in SQL. */
  readonly table: string;

  constructor(
    private readonly pool: ContextPool,
    settings: HostSettings,
  ) {
    this.table = `"${settings.config.LOG_NAME}".dead_letter`;
  }

  async find(id: string): Promise<QuarantinedLetter | undefined> {
    const { rows } = await this.pool.query<QuarantinedLetter & Record<string, unknown>>(
      `select status, redrives, consumer, subject from ${this.table} where id = $1`,
      [id],
    );
    return rows[0];
  }

  /** @returns True when this call did it: a redrive is begun once. */
  async beginRedrive(id: string, redrive: number): Promise<boolean> {
    const { rowCount } = await this.pool.query(
      `update ${this.table}
          set status = 'redriving', redrives = $2, changed_at = clock_timestamp(), resolution = null
        where id = $1 and status = 'quarantined' and redrives < $2`,
      [id, redrive],
    );
    return rowCount === 1;
  }

  /** The whole letter while this redrive of it is under way. */
  async underRedrive(id: string, redrive: number): Promise<DeadLetter | undefined> {
    const { rows } = await this.pool.query<DeadLetter & Record<string, unknown>>(
      `select id, subject, consumer, message_id, reason, attempts, headers, body, correlation_id
         from ${this.table} where id = $1 and status = 'redriving' and redrives = $2`,
      [id, redrive],
    );
    return rows[0];
  }

  /** It cannot be sent at all. */
  async endRedrive(id: string, redrive: number, why: string): Promise<void> {
    await this.pool.query(
      `update ${this.table}
          set status = 'quarantined', changed_at = clock_timestamp(), resolution = $3
        where id = $1 and status = 'redriving' and redrives = $2`,
      [id, redrive, why],
    );
  }

  async discard(id: string, reason: string): Promise<void> {
    await this.pool.query(
      `update ${this.table}
          set status = 'discarded', changed_at = clock_timestamp(), resolution = $2
        where id = $1 and status in ('quarantined', 'redriving')`,
      [id, reason],
    );
  }

  /** Letters being redriven since `ms` or longer, the longest first, behind `since`. */
  async overdue(
    ms: number,
    after: Pick<OverdueLetter, 'since' | 'id'> | undefined,
    limit: number,
  ): Promise<readonly OverdueLetter[]> {
    const { rows } = await this.pool.query<OverdueLetter & Record<string, unknown>>(
      `select id, redrives, changed_at::text as since from ${this.table}
        where status = 'redriving'
          and changed_at <= clock_timestamp() - make_interval(secs => $1::float8 / 1000)
          and (changed_at, id) > (coalesce($2::timestamptz, '-infinity'),
                                  coalesce($3::uuid, '00000000-0000-0000-0000-000000000000'))
        order by changed_at, id limit $4`,
      [ms, after?.since ?? null, after?.id ?? null, limit],
    );
    return rows;
  }
}
