import type { EventMeta, Instant, RecordedEvent, StreamName } from '@downbeat/eventsourcing';

/** An event as Postgres sends it: numbers as numbers, everything else as text. */
export interface EventRow {
  readonly position: number;
  readonly commit_no: number;
  readonly recorded_at: string;
  readonly event_id: string;
  readonly version: number;
  readonly schema_version: number;
  readonly context: string;
  readonly stream: string;
  readonly type: string;
  readonly data: string;
  readonly meta: string;
}

export const EVENT_COLUMNS =
  'position, commit_no, recorded_at, event_id, version, schema_version, context, stream, type, data, meta';

export const recordedEvent = (row: EventRow): RecordedEvent => ({
  position: row.position,
  event_id: row.event_id,
  context: row.context,
  stream: row.stream as StreamName,
  version: row.version,
  type: row.type,
  schema_version: row.schema_version,
  data: JSON.parse(row.data) as unknown,
  meta: JSON.parse(row.meta) as EventMeta,
  recorded_at: instantFrom(row.recorded_at),
  commit_no: row.commit_no,
});

/** `2026-03-01 09:30:00.1+00`, as a session in UTC writes a timestamptz(3), to an instant. */
export function instantFrom(timestamptz: string): Instant {
  const [date, time = ''] = timestamptz.replace('+00', '').split(' ');
  const [seconds, fraction = ''] = time.split('.');
  return `${date}T${seconds}.${fraction.padEnd(3, '0')}Z` as Instant;
}
