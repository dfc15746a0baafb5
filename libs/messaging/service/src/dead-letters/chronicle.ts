import { causeOf, withoutValues } from '@downbeat/dead-letters';
import { EventStore, execute } from '@downbeat/event-store';
import { type Instant } from '@downbeat/eventsourcing';
import { deadLetterHandling, deadLetterStream, type RedriveEnd } from '@downbeat/messaging-domain';
import { ContextPool, Periodic } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { Quarantine } from './quarantine';

const LOOK_EVERY_MS = 500;
const READ_MAX = 256;
const AT_ONCE = 16;
const ACTOR = 'messaging';

interface UntoldRow {
  readonly [column: string]: unknown;
  readonly id: string;
  readonly change: string;
  readonly context: string;
  readonly consumer: string;
  readonly subject: string;
  readonly message_id: string;
  readonly reason: string;
  readonly cause: string;
  readonly attempts: number;
  readonly body_bytes: number;
  readonly correlation_id: string;
  readonly status: 'quarantined' | 'redriving' | 'redriven' | 'discarded';
  readonly redrives: number;
  readonly resolution: string | null;
  readonly quarantined_at: Date;
  readonly changed_at: Date;
}

const COLUMNS = `id, change, context, consumer, subject, message_id, reason, cause, attempts,
  octet_length(body) as body_bytes, correlation_id, status, redrives, resolution, quarantined_at, changed_at`;

/**
 * Tells the log what the quarantine shows: that a message was given up on, and how its redrives ended. Whoever
 * gave up has committed the row and acknowledged the message; a row says until when it was told, so a crash
 * in between repeats a telling, which changes nothing. One replica tells; whoever decides about a letter tells first.
 */
@Injectable()
export class Chronicle {
  private readonly periodic = new Periodic("the dead letters' chronicle", LOOK_EVERY_MS, () =>
    this.look(),
  );

  constructor(
    private readonly pool: ContextPool,
    private readonly store: EventStore,
    private readonly quarantine: Quarantine,
  ) {}

  start(): void {
    this.periodic.start({ atOnce: true });
  }

  async stop(): Promise<void> {
    await this.periodic.stop();
  }

  /** One round: all that has not been told, the longest untold first. What cannot be told holds up no other. */
  async look(): Promise<void> {
    let after: UntoldRow | undefined;
    const faults: unknown[] = [];
    do {
      const { rows } = await this.pool.query<UntoldRow>(
        `select ${COLUMNS} from ${this.quarantine.table}
          where told < change
            and (changed_at, id) > (coalesce($1::timestamptz, '-infinity'),
                                    coalesce($2::uuid, '00000000-0000-0000-0000-000000000000'))
          order by changed_at, id limit ${READ_MAX}`,
        [after?.changed_at ?? null, after?.id ?? null],
      );
      for (let from = 0; from < rows.length; from += AT_ONCE) {
        const some = rows.slice(from, from + AT_ONCE);
        for (const told of await Promise.allSettled(some.map((row) => this.tellOf(row))))
          if (told.status === 'rejected') faults.push(told.reason);
      }
      after = rows.length < READ_MAX ? undefined : rows.at(-1);
    } while (after);
    if (faults.length > 0)
      throw new AggregateError(faults.slice(0, 3), `${faults.length} letters could not be told`);
  }

  /** The same of one letter. */
  async tell(id: string): Promise<void> {
    const { rows } = await this.pool.query<UntoldRow>(
      `select ${COLUMNS} from ${this.quarantine.table} where id = $1 and told < change`,
      [id],
    );
    for (const row of rows) await this.tellOf(row);
  }

  private async tellOf(row: UntoldRow): Promise<void> {
    const { id: dead_letter_id, redrives: redrive } = row;
    const facts = {
      ...{ context: row.context, consumer: row.consumer, subject: row.subject },
      ...{ message_id: row.message_id, reason: withoutValues(row.reason), cause: row.cause },
      ...{ attempts: row.attempts, body_bytes: row.body_bytes, correlation_id: row.correlation_id },
    };
    await this.record(row, {
      type: 'RecordQuarantine',
      data: { dead_letter_id, ...facts },
      at: instant(row.quarantined_at),
    });
    const end = endOf(row);
    const at = instant(row.changed_at);
    if (end)
      await this.record(row, {
        type: 'RecordRedriveEnd',
        data: { dead_letter_id, redrive, end },
        at,
      });
    await this.pool.query(
      `update ${this.quarantine.table} set told = greatest(told, $2) where id = $1`,
      [dead_letter_id, row.change],
    );
  }

  private async record(
    { id, correlation_id }: UntoldRow,
    command: Parameters<typeof deadLetterHandling.decide>[0],
  ): Promise<void> {
    const meta = { correlation_id, causation_id: id, actor: ACTOR };
    await execute(this.store, deadLetterHandling, deadLetterStream(id), command, { meta });
  }
}

function endOf(row: UntoldRow): RedriveEnd | undefined {
  const { status, redrives, attempts } = row;
  if (status === 'redriven') return { outcome: 'handled' };
  if (status !== 'quarantined' || redrives === 0) return undefined;
  // What could not even be sent says so; its reason is still the one of before.
  const why = row.resolution ?? row.reason;
  const cause = row.resolution === null ? row.cause : causeOf(row.consumer, why);
  return { outcome: 'failed', reason: withoutValues(why), cause, attempts };
}

const instant = (date: Date): Instant => date.toISOString() as Instant;
