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
  if (typeof value === 'string') return quoted(value);
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  let text = '';
  if (Array.isArray(value)) {
    for (const item of value) text += (text === '' ? '' : ',') + canonical(item);
    return `[${text}]`;
  }
  const members = value as JsonObject;
  for (const name of Object.keys(members).sort())
    text += `${text === '' ? '' : ','}${quoted(name)}:${canonical(members[name] ?? null)}`;
  return `{${text}}`;
}

/** What JSON writes as it is. Half of a surrogate pair is not, and which are halves it knows best. */
const PLAIN = /^[^"\\\u0000-\u001f\ud800-\udfff]*$/;

const quoted = (text: string): string => (PLAIN.test(text) ? `"${text}"` : JSON.stringify(text));
