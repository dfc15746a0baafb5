import type { EventMeta, RecordedEvent } from '@downbeat/eventsourcing';
import type { ReadEvent } from '../read/log-tail';
import { instantFrom } from '../read/stored-event';
import { upcast, type Upcasters } from '../read/upcast';
import type { Outcome } from './append-statement';
import type { SealedAppend } from './sealed-append';

/**
 * What was appended, as a reader would read it: from the text that is stored, not from what the
 * caller holds.
 */
export function asRecorded(
  context: string,
  { append, events, meta }: SealedAppend,
  { appended: { position, version }, moment }: Outcome,
  upcasters: Upcasters,
): readonly ReadEvent[] {
  if (moment === undefined) return [];
  const first = position - events.length + 1;
  return events.map(({ id, type, schemaVersion, data }, nth) => {
    const recorded = (): RecordedEvent => ({
      position: first + nth,
      event_id: id,
      context,
      stream: append.stream,
      version: version - events.length + 1 + nth,
      type,
      schema_version: schemaVersion,
      data: JSON.parse(data) as unknown,
      meta: JSON.parse(meta) as EventMeta,
      recorded_at: instantFrom(moment.recordedAt),
      commit_no: moment.commitNo,
    });
    return {
      position: first + nth,
      length: data.length + meta.length,
      event: once(() => upcast(recorded(), upcasters)),
    };
  });
}

/** Calls `make` when it is first asked for. */
function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => (made ??= { value: make() }).value;
}
