import type { DeadLetter } from '@downbeat/message-bus';
import type { QuarantinedLetter } from '@downbeat/messaging-domain';
import { ContextPool, HostSettings } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import type { LetterText } from './letter-text';

export const PURGED_REASON = 'purged';

/** A letter whose redrive nobody has answered. */
export interface OverdueLetter {
  readonly id: string;
  readonly redrives: number;
  /** Since when, as text that Postgres reads back unchanged. */
  readonly since: string;
}

/** A letter that is to be sent, as it is to be sent. */
export interface LetterUnderRedrive extends DeadLetter {
  /** The bus had a copy of this redrive. */
  readonly is_sent: boolean;
  /** Since the redrive began. */
  readonly begun_ms: number;
}

/** What is needed to say what would become of a letter. */
export interface LetterSummary {
  readonly [column: string]: unknown;
  readonly id: string;
  readonly revision: number;
  readonly consumer: string;
  readonly subject: string;
  readonly reason: string;
}

/** The table of dead letters as operators change it; every change can be repeated. */
@Injectable()
export class Quarantine {
  /** The table's name in SQL. */
  readonly table: string;
  /** That of what operators wrote. */
  private readonly contents: string;

  constructor(
    private readonly pool: ContextPool,
    settings: HostSettings,
  ) {
    this.table = `"${settings.config.LOG_NAME}".dead_letter`;
    this.contents = `"${settings.config.LOG_NAME}".dead_letter_content`;
  }

  async find(id: string): Promise<QuarantinedLetter | undefined> {
    const { rows } = await this.pool.query<QuarantinedLetter & Record<string, unknown>>(
      `select status, redrives, consumer, subject from ${this.table} where id = $1`,
      [id],
    );
    return rows[0];
  }

  /** The same, and what is needed to say to whom it would go. */
  async sender(
    id: string,
  ): Promise<(QuarantinedLetter & Pick<DeadLetter, 'message_id'>) | undefined> {
    const { rows } = await this.pool.query<
      QuarantinedLetter & Pick<DeadLetter, 'message_id'> & Record<string, unknown>
    >(`select status, redrives, consumer, subject, message_id from ${this.table} where id = $1`, [
      id,
    ]);
    return rows[0];
  }

  /**
   * @param content Of what is sent instead of the original.
   * @returns True when this call did it: a redrive is begun once.
   */
  async beginRedrive(id: string, redrive: number, content?: string): Promise<boolean> {
    const { rowCount } = await this.pool.query(
      `update ${this.table}
          set status = 'redriving', redrives = $2, content = $3, sent_at = null,
              changed_at = clock_timestamp(), resolution = null
        where id = $1 and status = 'quarantined' and redrives < $2`,
      [id, redrive, content ?? null],
    );
    return rowCount === 1;
  }

  /** The whole letter while this redrive of it is under way. */
  async underRedrive(id: string, redrive: number): Promise<LetterUnderRedrive | undefined> {
    const { rows } = await this.pool.query<LetterUnderRedrive & Record<string, unknown>>(
      `select d.id, d.consumer, d.message_id, d.reason, d.attempts, d.correlation_id,
              coalesce(c.subject, d.subject) as subject, coalesce(c.headers, d.headers) as headers,
              coalesce(c.body, d.body) as body, d.sent_at is not null as is_sent,
              extract(epoch from clock_timestamp() - d.changed_at)::float8 * 1000 as begun_ms
         from ${this.table} d
         left join ${this.contents} c on c.letter_id = d.id and c.hash = d.content
        where d.id = $1 and d.status = 'redriving' and d.redrives = $2`,
      [id, redrive],
    );
    return rows[0];
  }

  /** The bus has a copy. */
  async markSent(id: string, redrive: number): Promise<void> {
    await this.pool.query(
      `update ${this.table} set sent_at = clock_timestamp()
        where id = $1 and status = 'redriving' and redrives = $2`,
      [id, redrive],
    );
  }

  /** Of these, in their order. */
  async summaries(ids: readonly string[]): Promise<readonly LetterSummary[]> {
    const { rows } = await this.pool.query<LetterSummary>(
      `select id::text as id, revision, consumer, subject, reason from ${this.table}
        where id = any($1::uuid[]) order by quarantined_at, id`,
      [ids],
    );
    return rows;
  }

  /** What came; undefined when there is no such letter, or when what it says is gone. */
  async original(id: string): Promise<LetterText | undefined> {
    const { rows } = await this.pool.query<LetterText & Record<string, unknown>>(
      `select subject, headers, body from ${this.table} where id = $1 and purged_at is null`,
      [id],
    );
    return rows[0];
  }

  /** What an operator wrote. */
  async written(id: string, hash: string): Promise<LetterText | undefined> {
    const { rows } = await this.pool.query<LetterText & Record<string, unknown>>(
      `select subject, headers, body from ${this.contents} where letter_id = $1 and hash = $2`,
      [id, hash],
    );
    return rows[0];
  }

  /** Keeps what an operator wrote; an event says when it counts. */
  async keepWritten(id: string, hash: string, text: LetterText): Promise<void> {
    await this.pool.query(
      `insert into ${this.contents} (letter_id, hash, subject, headers, body)
       values ($1, $2, $3, $4, $5) on conflict do nothing`,
      [id, hash, text.subject, JSON.stringify(text.headers), text.body],
    );
  }

  /** The newest text that may be sent has this number. */
  async showRevision(id: string, revision: number): Promise<void> {
    await this.pool.query(
      `update ${this.table} set revision = greatest(revision, $2) where id = $1`,
      [id, revision],
    );
  }

  /** Body, headers, exact reason and all that was written are gone. */
  async purge(id: string): Promise<void> {
    await this.pool.query(
      `with written as (delete from ${this.contents} where letter_id = $1)
       update ${this.table}
          set body = '', headers = '{}', reason = $2, purged_at = clock_timestamp()
        where id = $1 and purged_at is null and status in ('redriven', 'discarded')`,
      [id, PURGED_REASON],
    );
  }

  /** Ids of what was resolved so long ago, the oldest first. */
  async resolvedFor(days: number, limit: number): Promise<readonly string[]> {
    const { rows } = await this.pool.query<{ id: string }>(
      `select id from ${this.table}
        where status in ('redriven', 'discarded') and purged_at is null
          and changed_at < clock_timestamp() - make_interval(secs => $1::float8 * 86400)
        order by changed_at, id limit $2`,
      [days, limit],
    );
    return rows.map(({ id }) => id);
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
