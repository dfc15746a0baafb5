import type { ObservedCalls } from '@downbeat/observability-domain';
import type { EntityManager } from 'typeorm';

/** More than are shown: those that are called most. */
const CONNECTIONS_MAX = 5_000;
const MINUTE_MS = 60_000;
const HOUR_MINUTES = 60;

/** Who called whom in a window, and in the last hour. */
export function observedCalls(
  manager: EntityManager,
  windowMinutes: number,
  endMs: number,
): Promise<ObservedCalls[]> {
  const before = (minutes: number): string => new Date(endMs - minutes * MINUTE_MS).toISOString();
  return manager.query<ObservedCalls[]>(
    `select source_service, target_service, protocol,
            coalesce(sum(calls) filter (where began_at > $1), 0)::float8 as calls,
            coalesce(sum(errors) filter (where began_at > $1), 0)::float8 as errors,
            coalesce(sum(duration_us) filter (where began_at > $1), 0)::float8 as duration_us,
            coalesce(sum(calls) filter (where began_at > $2), 0)::float8 as calls_1h,
            coalesce(sum(errors) filter (where began_at > $2), 0)::float8 as errors_1h
       from call_minute
      where began_at > least($1::timestamptz, $2::timestamptz) and began_at <= $3
      group by 1, 2, 3
      order by calls desc, calls_1h desc, 1, 2, 3
      limit ${CONNECTIONS_MAX}`,
    [before(windowMinutes), before(HOUR_MINUTES), new Date(endMs).toISOString()],
  );
}
