import { observabilityContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import { wantedPairs } from '@downbeat/observability-domain';
import { cursorOf, pageOf } from '@downbeat/service-host';
import type { EntityManager } from 'typeorm';
import { isoOf } from './iso-of';
import type { TraceRow } from './trace.table';

type Wanted = InputOf<typeof observabilityContract.listTraces>;
type Listed = AnswerOf<typeof observabilityContract.listTraces>;

const SERVICES_MAX = 200;

/** `$1` to `$8`; what was not asked for is null. */
const WHERE = `
  ($1::text is null or services::jsonb ? $1)
  and ($2::text is null or operations::jsonb ? $2)
  and ($3::text[] is null or pairs::jsonb ?& $3)
  and ($4::double precision is null or duration_us >= $4 * 1000)
  and ($5::double precision is null or duration_us <= $5 * 1000)
  and ($6::timestamptz is null or start_time >= $6)
  and ($7::timestamptz is null or start_time < $7)
  and ($8::boolean is null or (error_count > 0) = $8)`;

/** Traces as they were looked for, the newest first, and what all of them are together. */
export async function listedTraces(
  manager: EntityManager,
  input: Wanted,
  offset = 0,
): Promise<Listed> {
  const values = [
    input.service_name ?? null,
    input.operation_name ?? null,
    input.tags === undefined ? null : wantedPairs(input.tags),
    input.duration_min_ms ?? null,
    input.duration_max_ms ?? null,
    input.start_time ?? null,
    input.end_time ?? null,
    input.has_errors ?? null,
  ];
  const rows = await manager.query<TraceRow[]>(
    `select * from trace where ${WHERE} and ($9::text is null or place < $9 collate "C")
     order by place desc limit $10 offset $11`,
    [...values, cursorOf(input.cursor), input.limit + 1, offset],
  );
  const page = pageOf(rows, input.limit, ({ place }) => place);
  return {
    traces: page.rows.map(listed),
    trace_stats: await statsOf(manager, values),
    next_cursor: page.nextCursor,
  };
}

async function statsOf(
  manager: EntityManager,
  values: readonly unknown[],
): Promise<Listed['trace_stats']> {
  const [all] = await manager.query<{ total: number; average: number; failed: number }[]>(
    `select count(*)::int as total, coalesce(avg(duration_us), 0)::float8 as average,
            count(*) filter (where error_count > 0)::int as failed
       from trace where ${WHERE}`,
    [...values],
  );
  const services = await manager.query<{ service: string }[]>(
    `select distinct service collate "C" as service
       from trace, json_array_elements_text(services) as service
      where ${WHERE} order by 1 limit ${SERVICES_MAX}`,
    [...values],
  );
  const { total = 0, average = 0, failed = 0 } = all ?? {};
  return {
    total_traces: total,
    avg_duration_ms: average / 1_000,
    error_rate: total === 0 ? 0 : failed / total,
    services_involved: services.map(({ service }) => service),
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
