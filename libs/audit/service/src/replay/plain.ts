import type { Json } from '@downbeat/eventsourcing';

/** A value of the domain as JSON: maps become objects, sets arrays. */
export const plain = (value: unknown): Json =>
  JSON.parse(JSON.stringify(value ?? null, (_, inner: unknown) => listed(inner))) as Json;

function listed(value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries(value as Map<string, unknown>);
  return value instanceof Set ? [...(value as Set<unknown>)] : value;
}
