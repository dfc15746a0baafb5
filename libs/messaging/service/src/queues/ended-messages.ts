import { EventStore } from '@downbeat/event-store';
import { instantOf } from '@downbeat/eventsourcing';
import { MessageBus } from '@downbeat/message-bus';
import { SHARED } from '@downbeat/messaging-domain';
import { ReadModels } from '@downbeat/projections';
import { Clock, Periodic } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { batchId } from './flow-recorder';
import { FlowRecord } from './flow-record';
import { IS_REFUSED } from './refused-message';
import { queues } from './view/queues.projection';

const LOOK_EVERY_MS = 250;
const TIDY_EVERY_MS = 5_000;
const AT_ONCE_MAX = 500;
const HOURS_DEFAULT = 168;

/** `$1` now; what has ended stays for days beside it, and is not looked at. */
export const EXPIRED_SQL = `
  select m.key, m.sequence, m.stream_created, null as services,
        (select count(*) from queue_receipt r where r.key = m.key) >= greatest(1, (
           select count(*) from queue_consumer c
            where c.queue_name = m.queue_name
              and coalesce(q.queue_type, '') <> 'queue'
              and c.subscribed_at - interval '5 seconds' <= m.produced_at))
          or ${IS_REFUSED} as is_settled
   from queue_message m left join queue q on q.queue_name = m.queue_name
  where m.expires_at <= $1::timestamptz and m.state = 'live'
  order by m.expires_at limit ${AT_ONCE_MAX}`;

/** `$1` now; what is told of a message later than it is forgotten has nobody else to forget it. */
const LEFT_RECEIPTS_SQL = `
  select r.key, r.service_name, r.settled_at from queue_receipt r
   where r.settled_at < $1::timestamptz - interval '${HOURS_DEFAULT} hours'
     and not exists (select from queue_message m where m.key = r.key)
   order by r.settled_at limit ${AT_ONCE_MAX}`;

interface LeftReceiptRow {
  readonly key: string;
  readonly service_name: string;
  readonly settled_at: string;
}

interface EndedRow {
  readonly key: string;
  readonly sequence: string;
  readonly stream_created: string;
  readonly is_settled: boolean;
  readonly services: readonly string[] | null;
}

/**
 * Takes messages off their stream whose time is over: those with an end of their own, and those that are older
 * than their queue keeps them. They go before it is written down: what a crash cuts off the next round does again.
 */
@Injectable()
export class EndedMessages {
  private readonly expiring = new Periodic('the end of messages', LOOK_EVERY_MS, () =>
    this.expire(),
  );
  private readonly tidying = new Periodic('the retention of queues', TIDY_EVERY_MS, () =>
    this.tidy(),
  );

  constructor(
    private readonly store: EventStore,
    private readonly bus: MessageBus,
    private readonly readModels: ReadModels,
    private readonly record: FlowRecord,
    private readonly clock: Clock,
  ) {}

  start(): void {
    this.expiring.start({ atOnce: true });
    this.tidying.start({ atOnce: true });
  }

  async stop(): Promise<void> {
    await Promise.all([this.expiring.stop(), this.tidying.stop()]);
  }

  /** Nobody is given it for the first time any more; who has it may still handle it. */
  async expire(): Promise<void> {
    const ended = await this.ask<EndedRow>(EXPIRED_SQL, [instantOf(this.clock.now())]);
    for (const [stream_created, rows] of byLife(ended)) {
      const messages = rows.map(({ key, sequence, is_settled }) => ({
        key,
        sequence: Number(sequence),
        is_settled,
      }));
      await this.bus.serviceMessages.discard(
        stream_created,
        messages.map(({ sequence }) => sequence),
      );
      const at = instantOf(this.clock.now());
      const batch_id = batchId('expired', stream_created, messages);
      const data = { batch_id, stream_created, messages, at };
      await this.record.append({ type: 'MessagesExpired', data });
      await this.projected();
    }
  }

  /** What is older than its queue keeps it goes, from the stream and from the views. */
  async tidy(): Promise<void> {
    const left = await this.forgetLeftReceipts();
    const ended = await this.ask<EndedRow>(
      `select m.key, m.sequence, m.stream_created, false as is_settled,
              (select json_agg(r.service_name) from queue_receipt r where r.key = m.key) as services
         from ((select key, sequence, stream_created from queue_message
                 where produced_at < $1::timestamptz - interval '${HOURS_DEFAULT} hours'
                 order by produced_at limit ${AT_ONCE_MAX})
               union
               (select old.* from queue q cross join lateral (
                  select key, sequence, stream_created from queue_message
                   where queue_name = q.queue_name and place < to_char(
                           ($1::timestamptz - make_interval(
                              hours => (q.options->>'retention_hours')::int)) at time zone 'UTC',
                           'YYYY-MM-DD"T"HH24:MI:SS') collate "C"
                   order by place limit ${AT_ONCE_MAX}) old
                 where q.options->>'retention_hours' is not null limit ${AT_ONCE_MAX})) m
        limit ${AT_ONCE_MAX}`,
      [instantOf(this.clock.now())],
    );
    for (const [stream_created, rows] of byLife(ended)) {
      const messages = rows.map(({ key, services }) => ({
        key,
        services: [...new Set([...(services ?? []), SHARED])],
      }));
      const sequences = rows.map(({ sequence }) => Number(sequence));
      await this.bus.serviceMessages.discard(stream_created, sequences);
      const at = instantOf(this.clock.now());
      const named = rows.map(({ key, sequence }) => ({ key, sequence: Number(sequence) }));
      const batch_id = batchId('forgotten', stream_created, named);
      const data = { batch_id, stream_created, messages, at };
      await this.record.append({ type: 'MessagesForgotten', data });
      await this.projected();
    }
    if (Math.max(ended.length, left) === AT_ONCE_MAX) this.tidying.hurry();
  }

  /** @returns How many there were, at most so many as are forgotten at once. */
  private async forgetLeftReceipts(): Promise<number> {
    const at = instantOf(this.clock.now());
    const left = await this.ask<LeftReceiptRow>(LEFT_RECEIPTS_SQL, [at]);
    if (left.length === 0) return 0;
    // Told once more later, the same is another one.
    const told = left.map(({ settled_at, ...one }) => ({
      ...one,
      sequence: Date.parse(settled_at),
    }));
    const batch_id = batchId('forgotten-receipts', '', told);
    const messages = left.map(({ key, service_name }) => ({
      key,
      services: [service_name],
      is_only_receipts: true,
    }));
    const data = { batch_id, stream_created: '', messages, at };
    await this.record.append({ type: 'MessagesForgotten', data });
    await this.projected();
    return left.length;
  }

  private async ask<Row>(sql: string, values: readonly unknown[]): Promise<readonly Row[]> {
    const { data } = await this.readModels.ask(queues, {}, (manager) =>
      manager.query<Row[]>(sql, [...values]),
    );
    return data;
  }

  /** Else the next round would find the same once more. */
  private async projected(): Promise<void> {
    const min_position = await this.store.head();
    await this.readModels.ask(queues, { min_position }, () => Promise.resolve());
  }
}

function byLife(rows: readonly EndedRow[]): ReadonlyMap<string, readonly EndedRow[]> {
  const lives = new Map<string, EndedRow[]>();
  for (const row of rows)
    lives.set(row.stream_created, [...(lives.get(row.stream_created) ?? []), row]);
  return lives;
}
