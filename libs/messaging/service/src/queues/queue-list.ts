import { messagingContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import type { MessageProgress } from '@downbeat/message-bus';
import { SHARED, type QueueOptions } from '@downbeat/messaging-domain';
import { cursorOf, pageOf } from '@downbeat/service-host';
import type { EntityManager } from 'typeorm';
import { depthOf, progressOf } from './queue-gauge';
import { IS_REFUSED } from './refused-message';

type Wanted = InputOf<typeof messagingContract.listQueues>;
export type ListedQueues = AnswerOf<typeof messagingContract.listQueues>;
type Listed = ListedQueues['queues'][number];

const HOURS_DEFAULT = 168;
const RECENT_MAX = 10_000;

/** All there is: declared, subscribed to, sent to. */
const NAMES = `(select queue_name from queue union select queue_name from queue_consumer
  union select queue_name from queue_message_count union select queue_name from queue_delayed_count)`;

interface Facts {
  readonly queue_name: string;
  readonly queue_type: Listed['queue_type'] | null;
  readonly options: QueueOptions | null;
  readonly consumers: readonly string[];
  readonly producers: readonly { readonly producer: string; readonly count: number }[];
  readonly receipts: readonly {
    readonly service_name: string;
    readonly outcome: string;
    readonly count: number;
  }[];
  /** By consumer: what was taken away before it. */
  readonly refused: Readonly<Record<string, number>>;
  readonly delayed: number;
  readonly duplicates: number;
  readonly redeliveries: number;
  readonly expired: number;
  readonly recent: number;
  readonly average: number | null;
}

/** `$1` names, `$2` now, `$3` whether the view alone says what waits. */
const FACTS = `
  select n.queue_name, q.queue_type, q.options,
    coalesce((select json_agg(c.service_name order by c.service_name) from queue_consumer c
               where c.queue_name = n.queue_name), '[]') as consumers,
    coalesce((select json_agg(p) from (
       select producer, sum(count)::int as count from queue_message_count m
        where m.queue_name = n.queue_name group by producer order by producer) p), '[]') as producers,
    coalesce((select json_agg(r) from (
       select service_name, outcome, count::int as count from queue_receipt_count r
        where r.queue_name = n.queue_name) r), '[]') as receipts,
    case when $3::boolean then coalesce((select json_object_agg(service_name, count) from (
       select c.service_name, count(*) from queue_receipt w join queue_message m on m.key = w.key
         join queue_consumer c on c.queue_name = w.queue_name
        where w.queue_name = n.queue_name and w.service_name = '${SHARED}'
          and ${IS_REFUSED}
          and not exists (select from queue_receipt r where r.id = m.key || '/' || c.service_name)
        group by c.service_name) taken), '{}') else '{}' end as refused,
    coalesce((select d.count from queue_delayed_count d where d.queue_name = n.queue_name), 0)::int as delayed,
    (select coalesce(sum(m.copies - 1), 0) from queue_message m
      where m.queue_name = n.queue_name and m.is_copied = 'yes')::int as duplicates,
    (select coalesce(sum(r.deliveries - 1), 0) from queue_receipt r
      where r.queue_name = n.queue_name and r.is_redelivered = 'yes')::int as redeliveries,
    (select coalesce(sum(c.count), 0) from queue_message_count c
      where c.queue_name = n.queue_name and c.state = 'expired')::int as expired,
    (select count(*) from queue_message m where m.queue_name = n.queue_name
        and m.place > to_char(($2::timestamptz - interval '5 minutes') at time zone 'UTC',
                              'YYYY-MM-DD"T"HH24:MI:SS'))::int as recent,
    (select avg(processing_ms) from (select processing_ms from queue_receipt r
        where r.queue_name = n.queue_name and r.settled_at > $2::timestamptz - interval '1 hour'
        order by r.settled_at desc limit ${RECENT_MAX}) latest)::float8 as average
  from unnest($1::text[]) with ordinality as n(queue_name, nth)
  left join queue q on q.queue_name = n.queue_name
  order by n.nth`;

export async function listedQueues(
  manager: EntityManager,
  input: Wanted,
  now: Date,
  progress: MessageProgress | undefined,
): Promise<ListedQueues> {
  const filter = `($1::text is null or n.queue_name = $1)
    and ($2::text is null or coalesce(q.queue_type, 'topic') = $2)
    and ($3::text is null
         or exists (select from queue_consumer c where c.id = n.queue_name || '/' || $3)
         or exists (select from queue_message_count m
                     where m.queue_name = n.queue_name and m.producer = $3))`;
  const { queue_name = null, queue_type = null, service_name = null } = input;
  const values = [queue_name, queue_type, service_name];
  const rows = await manager.query<{ queue_name: string }[]>(
    `select n.queue_name from ${NAMES} n left join queue q on q.queue_name = n.queue_name
      where ${filter} and ($4::text is null or n.queue_name > $4 collate "C")
      order by n.queue_name collate "C" limit $5`,
    [...values, cursorOf(input.cursor), input.limit + 1],
  );
  const page = pageOf(rows, input.limit, (row) => row.queue_name);
  const facts = await manager.query<Facts[]>(FACTS, [
    page.rows.map((row) => row.queue_name),
    now,
    progress === undefined,
  ]);
  const [all] = await manager.query<StatsRow[]>(
    `with named as (select n.queue_name from ${NAMES} n
                      left join queue q on q.queue_name = n.queue_name where ${filter}),
          ended as (select r.outcome, r.processing_ms from queue_receipt r
                     where r.settled_at > $4::timestamptz - interval '1 hour'
                       and r.queue_name in (select queue_name from named))
     select (select count(*) from named)::int as total,
            count(*) filter (where outcome = 'consumed')::int as processed,
            count(*)::int as ended, coalesce(avg(processing_ms), 0)::float8 as average from ended`,
    [...values, now],
  );
  const { total = 0, processed = 0, ended = 0, average = 0 } = all ?? {};
  return {
    queues: facts.map((one) => listed(one, progress)),
    queue_stats: {
      total_queues: total,
      total_messages_processed_1h: processed,
      avg_processing_time_ms: average,
      failed_message_rate: ended === 0 ? 0 : (ended - processed) / ended,
    },
    next_cursor: page.nextCursor,
  };
}

interface StatsRow {
  readonly total: number;
  readonly processed: number;
  readonly ended: number;
  readonly average: number;
}

function listed(facts: Facts, progress: MessageProgress | undefined): Listed {
  const { queue_name, consumers, producers, receipts } = facts;
  const options = facts.options ?? {};
  const countOf = (outcome: string, service?: string): number =>
    receipts
      .filter(
        (one) => one.outcome === outcome && (service ?? one.service_name) === one.service_name,
      )
      .reduce((sum, { count }) => sum + count, 0);
  const isShared = facts.queue_type === 'queue';
  const live = progressOf(progress, queue_name);
  const produced = producers.reduce((sum, { count }) => sum + count, 0);
  const settledBy = (service: string): number =>
    receipts
      .filter(({ service_name }) => service_name === service)
      .reduce((sum, { count }) => sum + count, 0);
  const readers = isShared ? ['*'] : consumers;
  const recorded = Math.max(
    0,
    ...readers.map((one) => produced - settledBy(one) - (facts.refused[one] ?? 0)),
  );
  return {
    id: queue_name,
    queue_name,
    queue_type: facts.queue_type ?? 'topic',
    kind: 'service',
    ...(options.message_pattern !== undefined && { message_pattern: options.message_pattern }),
    message_count: progress ? depthOf(progress, queue_name) : recorded,
    delayed_count: facts.delayed,
    consumer_count: consumers.length,
    consumers: consumers.map((service_name) => {
      const shown = live.get(isShared ? '*' : service_name);
      const own = isShared ? '*' : service_name;
      return {
        service_name,
        pending: shown?.pending ?? 0,
        in_hand: shown?.inHand ?? 0,
        pulling: shown?.waiting ?? 0,
        consumed: countOf('consumed', own),
        dead_letters: countOf('dead_letter', own),
      };
    }),
    producer_count: producers.length,
    producers: producers.map(({ producer }) => producer),
    produced_count: produced,
    consumed_count: countOf('consumed'),
    duplicate_count: facts.duplicates,
    redelivery_count: facts.redeliveries,
    expired_count: facts.expired,
    failed_count: countOf('failed'),
    dlq_message_count: countOf('dead_letter'),
    messages_per_minute: facts.recent / 5,
    avg_processing_time_ms: facts.average ?? 0,
    retention_hours: options.retention_hours ?? HOURS_DEFAULT,
    max_message_size: options.max_message_size ?? messagingContract.MESSAGE_BYTES_MAX,
    dlq_enabled: options.dlq_enabled ?? true,
    ...(options.dlq_max_retries !== undefined && { dlq_max_retries: options.dlq_max_retries }),
    monitoring_config: options.monitoring_config ?? {},
    is_active: consumers.length > 0,
    is_declared: facts.queue_type !== null,
  };
}
