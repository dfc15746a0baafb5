import { PLACES_FORGOTTEN_MAX, type ForgetCalls } from '@downbeat/observability-domain';
import type { Instant } from '@downbeat/eventsourcing';
import type { EntityManager } from 'typeorm';

type Due = ForgetCalls['data'];

/** The places of the calls that are to be forgotten, the oldest first, as many as one round forgets. */
export async function oldestCalls(
  manager: EntityManager,
  before: { readonly minutes: Instant; readonly hours: Instant },
): Promise<Due> {
  return {
    minutes: await placesIn(manager, 'call_minute', before.minutes),
    hours: await placesIn(manager, 'call_hour', before.hours),
  };
}

async function placesIn(
  manager: EntityManager,
  table: string,
  began_before: Instant,
): Promise<Due['minutes']> {
  const rows = await manager.query<{ place: string }[]>(
    `select place from ${table} where began_at < $1 order by began_at, place limit ${PLACES_FORGOTTEN_MAX}`,
    [began_before],
  );
  return { began_before, places: rows.map(({ place }) => place) };
}
