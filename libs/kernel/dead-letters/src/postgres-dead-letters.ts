import { DeadLetters, type DeadLetter } from '@downbeat/message-bus';
import type { Pool } from 'pg';
import { causeOf } from './cause';

/** The dead letters of one context, written as the role of that context. */
export class PostgresDeadLetters extends DeadLetters {
  /** @param logName The log's schema; `log` unless configured otherwise. */
  constructor(
    private readonly pool: Pool,
    private readonly logName = 'log',
  ) {
    super();
  }

  /** The same letter again is one letter; one that was being redriven is back with its attempts added, when the copy of that redrive failed. */
  override async quarantine(letter: DeadLetter): Promise<void> {
    await this.pool.query(
      `insert into "${this.logName}".dead_letter as d
         (id, consumer, subject, message_id, reason, cause, attempts, headers, body, correlation_id)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
       on conflict (id) do update
         set status = 'quarantined', reason = excluded.reason, cause = excluded.cause,
             attempts = d.attempts + excluded.attempts, changed_at = clock_timestamp()
         where d.status = 'redriving' and d.redrives = $11`,
      [
        letter.id,
        letter.consumer,
        letter.subject,
        letter.message_id,
        letter.reason,
        causeOf(letter.consumer, letter.reason),
        letter.attempts,
        JSON.stringify(letter.headers),
        letter.body,
        letter.correlation_id,
        letter.redrive ?? null,
      ],
    );
  }

  override async resolve(id: string): Promise<void> {
    await this.pool.query(
      `update "${this.logName}".dead_letter
         set status = 'redriven', changed_at = clock_timestamp(), resolution = 'handled'
       where id = $1 and status in ('redriving', 'quarantined')`,
      [id],
    );
  }
}
