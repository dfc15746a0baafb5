import { observabilityContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import { instantOf } from '@downbeat/eventsourcing';
import {
  added,
  noCalls,
  statisticsOf,
  type CallStatistics,
  type CallTotals,
} from '@downbeat/observability-domain';
import type { EntityManager } from 'typeorm';

type Wanted = InputOf<typeof observabilityContract.getCalls>;
type Series = AnswerOf<typeof observabilityContract.getCalls>;

const { ENDPOINTS_KEPT } = observabilityContract;
const MINUTE_MS = 60_000;
const HOUR_MINUTES = 60;

/** What of the rows was asked for: `$1` to `$7`, where nothing is asked null. One row for each endpoint. */
const PARTS = (table: string) => `
  select r.began_at, split_part(e.key, ' ', 1) as method, split_part(e.key, ' ', 2) as endpoint,
         e.value as totals
    from ${table} r, json_each(r.endpoints) e
   where r.began_at >= $1 and r.began_at < $2
     and ($3::text is null or r.source_service = $3)
     and ($4::text is null or r.target_service = $4)
     and ($5::text is null or r.protocol = $5)
     and ($6::text is null or split_part(e.key, ' ', 1) = $6)
     and ($7::text is null or split_part(e.key, ' ', 2) = $7)`;

const SUMS = `sum((totals->>'ok')::bigint)::float8 as ok,
  sum((totals->>'client_errors')::bigint)::float8 as client_errors,
  sum((totals->>'server_errors')::bigint)::float8 as server_errors,
  sum((totals->>'unanswered')::bigint)::float8 as unanswered,
  sum((totals->>'duration_us')::bigint)::float8 as duration_us`;

type Sums = Omit<CallTotals, 'durations'>;
interface Durations {
  readonly durations: Readonly<Record<string, number>>;
}

/** Calls over time, in steps that begin where they would on a clock. */
export async function callSeries(
  manager: EntityManager,
  input: Wanted,
  endMs: number,
): Promise<Series> {
  const { window_minutes, bucket_minutes } = input;
  const stepMs = bucket_minutes * MINUTE_MS;
  const fromMs = Math.floor((endMs - window_minutes * MINUTE_MS) / stepMs) * stepMs;
  const parts = PARTS(bucket_minutes % HOUR_MINUTES === 0 ? 'call_hour' : 'call_minute');
  const wanted = [
    new Date(fromMs).toISOString(),
    new Date(endMs).toISOString(),
    input.source_service ?? null,
    input.target_service ?? null,
    input.protocol ?? null,
    input.method ?? null,
    input.endpoint ?? null,
  ];
  const steps = await grouped<{ step: number }>(
    manager,
    `select floor(extract(epoch from began_at) * 1000 / ${stepMs})::float8 as step, totals from (${parts}) p`,
    ['step'],
    wanted,
  );
  const endpoints = await grouped<{ method: string; endpoint: string }>(
    manager,
    `select method, endpoint, totals from (${parts}) p`,
    ['method', 'endpoint'],
    wanted,
    ENDPOINTS_KEPT,
  );
  const total = steps.reduce<CallTotals>((sum, { totals }) => added(sum, totals), noCalls);
  const minutes = (endMs - fromMs) / MINUTE_MS;
  return {
    from: instantOf(fromMs),
    to: instantOf(endMs),
    bucket_minutes,
    buckets: steps
      .toSorted((one, other) => one.step - other.step)
      .map(({ step, totals }) => ({
        started_at: instantOf(step * stepMs),
        ...shown(totals, bucket_minutes),
      })),
    total: shown(total, minutes),
    endpoints: endpoints.map(({ method, endpoint, totals }) => ({
      method,
      endpoint,
      ...shown(totals, minutes),
    })),
    lost_calls: await lostCalls(manager, fromMs, endMs),
  };
}

const shown = (totals: CallTotals, minutes: number): CallStatistics =>
  statisticsOf(totals, minutes);

/** Sums, and durations by size, of the rows that agree in `by`; those of most calls first. */
async function grouped<Key>(
  manager: EntityManager,
  rows: string,
  by: readonly (keyof Key & string)[],
  wanted: readonly unknown[],
  countMax?: number,
): Promise<readonly (Key & { readonly totals: CallTotals })[]> {
  const key = by.join(', ');
  const found = await manager.query<(Key & Sums & Durations)[]>(
    `with parts as (${rows}),
     sums as (
       select ${key}, ${SUMS} from parts group by ${key}
        order by sum((totals->>'ok')::bigint + (totals->>'client_errors')::bigint
                   + (totals->>'server_errors')::bigint + (totals->>'unanswered')::bigint) desc, ${key}
        ${countMax === undefined ? '' : `limit ${countMax}`}),
     timed as (
       select ${key}, json_object_agg(bucket, count) as durations from (
         select ${key}, d.key as bucket, sum(d.value::bigint)::float8 as count
           from parts, json_each_text(totals->'durations') d group by ${key}, d.key) b
        group by ${key})
     select * from sums join timed using (${key})
      order by ok + client_errors + server_errors + unanswered desc, ${key}`,
    [...wanted],
  );
  return found.map((row) => ({
    ...row,
    totals: {
      ok: row.ok,
      client_errors: row.client_errors,
      server_errors: row.server_errors,
      unanswered: row.unanswered,
      duration_us: row.duration_us,
      durations: row.durations,
    },
  }));
}

async function lostCalls(manager: EntityManager, fromMs: number, toMs: number): Promise<number> {
  const [found] = await manager.query<{ lost: number }[]>(
    `select coalesce(sum(lost_calls), 0)::float8 as lost from told_calls
      where began_at > $1::timestamptz - interval '1 hour' and began_at <= $2`,
    [new Date(fromMs).toISOString(), new Date(toMs).toISOString()],
  );
  return found?.lost ?? 0;
}
