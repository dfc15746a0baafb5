import { hash } from 'node:crypto';
import type { Json, JsonObject } from '@downbeat/eventsourcing';

/**
 * SHA-256 of what a command says, as it came in: the same in whatever order its members stand and
 * however it is laid out. Not of what a schema makes of it, which may be more in the next release:
 * a message that is delivered again has to stay the same command.
 */
export const payloadHashOf = (payload: JsonObject): string => hash('sha256', canonical(payload));

/** JSON with sorted members, no white space. @see RFC 8785 */
function canonical(value: Json): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const members = value as JsonObject;
  const texts = Object.keys(members)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(members[name] ?? null)}`);
  return `{${texts.join(',')}}`;
}
