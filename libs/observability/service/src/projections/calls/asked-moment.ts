import type { ReadAs } from '@downbeat/projections';
import type { EntityManager } from 'typeorm';

/**
 * Where a window ends, in milliseconds: now; the moment that was asked for; or, of a position, when the
 * last report up to there came. Before the first one there is nothing, whichever time it was: 1970.
 */
export async function endOfWindow(
  manager: EntityManager,
  { at }: ReadAs,
  nowMs: number,
): Promise<number> {
  if (at === undefined) return nowMs;
  if (typeof at === 'string') return Date.parse(at);
  const [last] = await manager.query<{ at: Date | null }[]>(
    'select max(last_report_at) as at from told_calls',
  );
  return last?.at ? new Date(last.at).getTime() : 0;
}
