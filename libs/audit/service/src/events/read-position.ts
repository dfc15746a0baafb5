import type { AuditLog } from '@downbeat/event-store';
import { epochMs, Rejection, type Position } from '@downbeat/eventsourcing';
import type { ReadAs } from '@downbeat/projections';

/** Up to where the log is looked at: its end, or the moment that is asked about. */
export async function readPosition(log: AuditLog, { at }: ReadAs): Promise<Position | Rejection> {
  const head = (await log.headCommit())?.last ?? 0;
  if (at === undefined) return head;
  if (typeof at === 'number')
    return at <= head ? at : ahead(`${at} lies in the future: the log ends at position ${head}`);
  if (epochMs(at) > Date.now()) return ahead(`${at} lies in the future`);
  const { events } = await log.list({ order: 'desc', limit: 1, until: at });
  return events[0]?.position ?? 0;
}

const ahead = (message: string): Rejection =>
  new Rejection('invalid-input', `at ${message}`, 'invalid', [{ field: 'at', message }]);
