import { messagingContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import type { Instant } from '@downbeat/eventsourcing';
import type { MessageProgress } from '@downbeat/message-bus';
import { cursorOf, pageOf } from '@downbeat/service-host';
import type { EntityManager } from 'typeorm';
import { consumersOfQueue } from './queue-gauge';
import { IS_REFUSED } from './refused-message';

type Wanted = InputOf<typeof messagingContract.listQueueMessages>;
type ListedMessages = AnswerOf<typeof messagingContract.listQueueMessages>;
export type ShownMessage = ListedMessages['messages'][number];

interface LineRow {
  readonly line: string;
  readonly key: string;
  readonly message_id: string;
  readonly correlation_id: string | null;
  readonly trace_id: string | null;
  readonly producer: string;
  readonly service_name: string | null;
  readonly by_service: string | null;
  readonly type: string;
  readonly priority: string;
  readonly bytes: string;
  readonly copies: string;
  readonly status: ShownMessage['status'];
  readonly deliveries: string | null;
  readonly processing_ms: number | null;
  readonly error: string | null;
  readonly dead_letter_id: string | null;
  readonly produced_at: string;
  readonly settled_at: string | null;
  readonly outcome: string | null;
  readonly expires_at: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly stream_created: string;
  readonly sequence: string;
}

/** `$1` queue, `$2` life of the stream, `$3` how far consumers are; one line for each message and service. */
const LINES = `
  select m.*, s.service_name, r.by_service, r.deliveries, r.processing_ms, r.error, r.dead_letter_id,
         r.settled_at, r.outcome, m.place || ' ' || coalesce(s.service_name, '') as line,
         case when r.outcome is not null then r.outcome
              when m.state = 'expired' then 'expired'
              when d.through >= m.sequence and m.stream_created = $2 then 'delivered'
              else 'produced' end as status
    from queue_message m
    left join queue q on q.queue_name = m.queue_name
    left join lateral (
      select r.service_name from queue_receipt r where r.key = m.key
      union
      select c.service_name from queue_consumer c
       where c.queue_name = m.queue_name and coalesce(q.queue_type, '') <> 'queue'
         and c.subscribed_at - interval '5 seconds' <= m.produced_at
         and not ${IS_REFUSED}) s on true
    left join queue_receipt r on r.id = m.key || '/' || s.service_name
    left join jsonb_to_recordset($3::jsonb) as d(service text, priority text, through bigint)
      on d.service = coalesce(s.service_name, '*') and d.priority = m.priority
   where m.queue_name = $1`;

const FILTER = `($4::text is null or l.status = $4)
  and ($5::text is null or l.producer = $5 or l.service_name = $5 or l.by_service = $5)
  and ($6::text is null or l.message_id = $6) and ($7::text is null or l.correlation_id = $7)
  and ($8::timestamptz is null or l.produced_at >= $8)
  and ($9::timestamptz is null or l.produced_at < $9)`;

export async function messageLines(
  manager: EntityManager,
  input: Omit<Wanted, 'limit' | 'cursor'> & {
    readonly limit: number;
    readonly cursor?: string | undefined;
  },
  progress: MessageProgress | undefined,
): Promise<{ readonly rows: readonly LineRow[]; readonly nextCursor: string | undefined }> {
  const rows = await manager.query<LineRow[]>(
    `select * from (${LINES}) l where ${FILTER}
        and ($10::text is null or l.line < $10 collate "C")
      order by l.place desc, l.line collate "C" desc limit $11`,
    [
      ...valuesOf(input.queue_name, progress),
      input.status ?? null,
      input.service_name ?? null,
      input.message_id ?? null,
      input.correlation_id ?? null,
      input.start_time ?? null,
      input.end_time ?? null,
      cursorOf(input.cursor),
      input.limit + 1,
    ],
  );
  return pageOf(rows, input.limit, ({ line }) => line);
}

function valuesOf(queue: string, progress: MessageProgress | undefined): readonly unknown[] {
  const delivered = consumersOfQueue(progress, queue).map(([service, consumer]) => ({
    service,
    priority: consumer.lane,
    through: consumer.deliveredThrough,
  }));
  return [queue, progress?.streamCreated ?? '', JSON.stringify(delivered)];
}

/** Of the whole queue. */
export async function queueMetrics(
  manager: EntityManager,
  queue: string,
  progress: MessageProgress | undefined,
  now: Date,
): Promise<ListedMessages['queue_metrics']> {
  const [row] = await manager.query<MetricsRow[]>(
    `select (select coalesce(sum(count), 0) from queue_message_count where queue_name = $1)::int as total,
            (select coalesce(sum(count), 0) from queue_receipt_count
              where queue_name = $1 and outcome <> 'consumed')::int as failed,
            (select avg(extract(epoch from $2::timestamptz - m.produced_at)) from (
               select produced_at, key from queue_message
                where queue_name = $1 and state = 'live' order by place desc limit 10000) m
              where not exists (select from queue_receipt r where r.key = m.key))::float8 as age`,
    [queue, now],
  );
  const consumers = consumersOfQueue(progress, queue).map(([, consumer]) => consumer);
  const sum = (of: (one: (typeof consumers)[number]) => number): number =>
    consumers.reduce((all, one) => all + of(one), 0);
  return {
    total_messages: row?.total ?? 0,
    pending_messages: sum(({ pending }) => pending),
    processing_messages: sum(({ inHand }) => inHand),
    failed_messages: row?.failed ?? 0,
    average_age_seconds: Math.max(0, row?.age ?? 0),
  };
}

interface MetricsRow {
  readonly total: number;
  readonly failed: number;
  readonly age: number | null;
}

const SHARED = '*';
/** Read models give text. */
const iso = (at: string): Instant => new Date(at).toISOString() as Instant;

export function shownMessage(row: LineRow): ShownMessage {
  const service = row.service_name === SHARED ? row.by_service : row.service_name;
  const isConsumed = row.outcome === 'consumed' && row.settled_at !== null;
  return {
    id: row.line,
    message_id: row.message_id,
    ...(row.correlation_id !== null && { correlation_id: row.correlation_id }),
    ...(row.trace_id !== null && { trace_id: row.trace_id }),
    producer_service: row.producer,
    ...(service !== null && { consumer_service: service }),
    message_type: row.type,
    priority: row.priority,
    message_size_bytes: Number(row.bytes),
    status: row.status,
    retry_count: Math.max(0, Number(row.deliveries ?? 1) - 1),
    copies: Number(row.copies),
    ...(row.processing_ms !== null && { processing_time_ms: row.processing_ms }),
    ...(row.error !== null && { error_message: row.error }),
    ...(row.dead_letter_id !== null && { dead_letter_id: row.dead_letter_id }),
    produced_at: iso(row.produced_at),
    ...(isConsumed && row.settled_at && { consumed_at: iso(row.settled_at) }),
    ...(row.expires_at !== null && { expires_at: iso(row.expires_at) }),
    headers: row.headers,
  };
}
