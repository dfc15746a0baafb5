import type { Instant } from '@downbeat/eventsourcing';
import { TARGETS_KEPT } from '@downbeat/observability-domain';
import type { EntityManager } from 'typeorm';

export type CalledBySource = ReadonlyMap<string, ReadonlySet<string>>;

/** The names of those that each of these sources called since then: as many as have room, and no others. */
export async function calledSince(
  manager: EntityManager,
  sources: readonly string[],
  since: Instant,
): Promise<CalledBySource> {
  const rows = await manager.query<{ source: string; targets: string[] }[]>(
    `select s.source, array(
        select distinct target_service from call_hour
         where source_service = s.source and began_at >= $2 and target_service <> '(other)'
         limit ${TARGETS_KEPT}) as targets
       from unnest($1::text[]) as s (source)`,
    [sources, since],
  );
  return new Map(rows.map(({ source, targets }) => [source, new Set(targets)]));
}
