import { observabilityContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import { wantedPairs } from '@downbeat/observability-domain';
import { cursorOf, pageOf } from '@downbeat/service-host';
import type { EntityManager } from 'typeorm';
import { isoOf } from './iso-of';
import { placesAfter, placesBetween, type PlaceRange } from './listed-range';
import type { TraceRow } from './trace.table';
import { pageWithin } from './within-bytes';

type Wanted = InputOf<typeof observabilityContract.listTraces>;
type Listed = AnswerOf<typeof observabilityContract.listTraces>;

/** However many traces there are, a question reads so many of them and no more. */
export const EXAMINED_MAX = 10_000;
const SERVICES_MAX = 200;
const PAGE_BYTES_MAX = 600_000;

/** The newest traces of `$1` to `$2`, by the index on places. */
const EXAMINED = `select * from trace where place >= $1 collate "C" and place < $2 collate "C"
  order by place desc limit ${EXAMINED_MAX}`;

/** `$3` to `$8`; what was not asked for is null. */
const WHERE = `
  ($3::text is null or services::jsonb ? $3)
  and ($4::text is null or operations::jsonb ? $4)
  and ($5::text[] is null or pairs::jsonb ?& $5)
  and ($6::double precision is null or duration_us >= $6 * 1000)
  and ($7::double precision is null or duration_us <= $7 * 1000)
  and ($8::boolean is null or (error_count > 0) = $8)`;

export const PAGE_SQL = `select * from (${EXAMINED}) as examined where ${WHERE}
  order by place desc limit $9 offset $10`;

export const STATS_SQL = `
  with found as materialized (
    select duration_us, error_count, services from (${EXAMINED}) as examined where ${WHERE})
  select count(*)::int as total, coalesce(avg(duration_us), 0)::float8 as average,
         count(*) filter (where error_count > 0)::int as failed,
         array(select distinct service collate "C"
                 from found, json_array_elements_text(services) as service
                order by 1 limit ${SERVICES_MAX}) as services
    from found`;

/** The last place that was examined, when there are more behind it. */
const LAST_SQL = `
  select max(place) as last from (
    select place from trace where place >= $1 collate "C" and place < $2 collate "C"
     order by place desc offset ${EXAMINED_MAX - 1} limit 2) as around
  having count(*) = 2`;

/** Traces as they were looked for, the newest first, and what those examined are together. */
export async function listedTraces(
  manager: EntityManager,
  input: Wanted,
  offset = 0,
): Promise<Listed> {
  const whole = placesBetween(input.start_time, input.end_time);
  const range = placesAfter(whole, cursorOf(input.cursor));
  const filter = [
    input.service_name ?? null,
    input.operation_name ?? null,
    input.tags === undefined ? null : wantedPairs(input.tags),
    input.duration_min_ms ?? null,
    input.duration_max_ms ?? null,
    input.has_errors ?? null,
  ];
  const rows = await manager.query<TraceRow[]>(PAGE_SQL, [
    ...[range.from, range.before, ...filter],
    ...[input.limit + 1, offset],
  ]);
  const page = pageWithin(
    rows.map((row) => ({ place: row.place, shown: listed(row) })),
    input.limit,
    PAGE_BYTES_MAX,
  );
  return {
    traces: page.rows.map(({ shown }) => shown),
    trace_stats: await statsOf(manager, whole, filter),
    next_cursor: page.nextCursor ?? (await cursorBehindExamined(manager, range)),
  };
}

/** Where to look on when no more was found in what was examined; undefined when that was all. */
async function cursorBehindExamined(
  manager: EntityManager,
  { from, before }: PlaceRange,
): Promise<string | undefined> {
  const last = await lastExamined(manager, { from, before });
  return last === null ? undefined : pageOf([last, ''], 1, (place) => place).nextCursor;
}

async function lastExamined(
  manager: EntityManager,
  { from, before }: PlaceRange,
): Promise<string | null> {
  const [row] = await manager.query<{ last: string | null }[]>(LAST_SQL, [from, before]);
  return row?.last ?? null;
}

async function statsOf(
  manager: EntityManager,
  whole: PlaceRange,
  filter: readonly unknown[],
): Promise<Listed['trace_stats']> {
  const [all] = await manager.query<
    { total: number; average: number; failed: number; services: string[] }[]
  >(STATS_SQL, [whole.from, whole.before, ...filter]);
  const { total = 0, average = 0, failed = 0, services = [] } = all ?? {};
  return {
    total_traces: total,
    avg_duration_ms: average / 1_000,
    error_rate: total === 0 ? 0 : failed / total,
    services_involved: services,
    is_cut: (await lastExamined(manager, whole)) !== null,
  };
}

const listed = (row: TraceRow): Listed['traces'][number] => ({
  trace_id: row.trace_id,
  root_service: row.root_service,
  operation_name: row.root_operation,
  start_time: isoOf(Number(row.start_us)),
  duration_ms: Number(row.duration_us) / 1_000,
  span_count: Number(row.span_count),
  service_count: row.services.length,
  error_count: Number(row.error_count),
  status: row.status,
  tags: row.root_tags,
});
