import { messagingContract, type AnswerOf } from '@downbeat/contracts';
import type { MessageProgress } from '@downbeat/message-bus';
import type { QueueOptions } from '@downbeat/messaging-domain';
import type { EntityManager } from 'typeorm';
import { consumersOfQueue, depthOf } from './queue-gauge';

type Measured = AnswerOf<typeof messagingContract.queueMeasurements>;

const QUEUES_MAX = 1_000;

interface MeasuredRow {
  readonly queue_name: string;
  readonly options: QueueOptions | null;
  readonly processing: number | null;
  readonly dead: number;
  readonly oldest: string | null;
}

/** What alert rules read: how full, how old, how slow, and where the thresholds are. */
export async function measuredQueues(
  manager: EntityManager,
  name: string | undefined,
  now: Date,
  progress: MessageProgress | undefined,
): Promise<Measured> {
  const names = await manager.query<{ queue_name: string }[]>(
    `select queue_name from (select queue_name from queue union
       select queue_name from queue_consumer union select queue_name from queue_message_count) n
      where $1::text is null or queue_name = $1 order by 1 limit ${QUEUES_MAX}`,
    [name ?? null],
  );
  const behind = names.flatMap(({ queue_name }) =>
    consumersOfQueue(progress, queue_name)
      .filter(([, { pending, inHand, lane }]) => pending + inHand > 0 && lane !== 'redriven')
      .map(([, { lane, settledThrough }]) => ({ queue_name, lane, settled: settledThrough })),
  );
  const rows = await manager.query<MeasuredRow[]>(
    `select n.queue_name, q.options,
            (select avg(processing_ms) from (select processing_ms from queue_receipt r
               where r.queue_name = n.queue_name
                 and r.settled_at > $2::timestamptz - interval '5 minutes'
               order by r.settled_at desc limit 10000) latest)::float8 as processing,
            (select coalesce(sum(count), 0) from queue_receipt_count c
              where c.queue_name = n.queue_name and c.outcome = 'dead_letter')::int as dead,
            (select min(o.produced_at)
               from jsonb_to_recordset($3::jsonb) as b(queue_name text, lane text, settled bigint)
              cross join lateral (
                select m.produced_at from queue_message m
                 where m.queue_name = b.queue_name and m.sequence > b.settled
                   and m.priority = b.lane and m.state = 'live' and m.stream_created = $4
                 order by m.sequence limit 1) o
              where b.queue_name = n.queue_name) as oldest
       from unnest($1::text[]) as n(queue_name) left join queue q on q.queue_name = n.queue_name
      order by n.queue_name`,
    [
      names.map(({ queue_name }) => queue_name),
      now,
      JSON.stringify(behind),
      progress?.streamCreated ?? '',
    ],
  );
  return { queues: rows.map((row) => measured(row, now, progress)) };
}

function measured(
  { queue_name, options, processing, dead, oldest }: MeasuredRow,
  now: Date,
  progress: MessageProgress | undefined,
): Measured['queues'][number] {
  const { alert_on_backlog: backlog, alert_on_processing_time: slow } =
    options?.monitoring_config ?? {};
  const depth = depthOf(progress, queue_name);
  const processing_time_ms = processing ?? 0;
  return {
    queue_name,
    depth,
    oldest_age_seconds: oldest
      ? Math.max(0, (now.getTime() - new Date(oldest).getTime()) / 1_000)
      : 0,
    processing_time_ms,
    dead_letters: dead,
    ...(backlog !== undefined && { backlog_threshold: backlog }),
    ...(slow !== undefined && { processing_time_threshold_ms: slow }),
    is_backlog_exceeded: backlog !== undefined && depth > backlog,
    is_processing_time_exceeded: slow !== undefined && processing_time_ms > slow,
  };
}
