import { Rejection, type Json } from '@downbeat/eventsourcing';

export const JSON_BYTES_MAX = 1_048_576;
export const JSON_DEPTH_MAX = 32;
export const JSON_KEYS_MAX = 10_000;

/**
 * Parses text from outside: at most 1 MiB, 32 levels, 10,000 keys, and no key that JavaScript
 * treats as a prototype.
 *
 * @returns The value, or a rejection that names the place.
 */
export function parseUntrustedJson(text: string): { readonly value: Json } | Rejection {
  if (utf8Length(text) > JSON_BYTES_MAX)
    return new Rejection('body-too-large', 'the body is larger than 1 MiB', 'invalid');
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (fault) {
    if (!(fault instanceof SyntaxError)) throw fault;
    return malformed('', `is not JSON: ${fault.message.replace(/\s+/g, ' ').slice(0, 200)}`);
  }
  return checkUntrusted(value) ?? { value };
}

/** The same limits for a value some other parser made of untrusted text (YAML). */
export function checkUntrusted(value: unknown): Rejection | undefined {
  let keys = 0;
  const visit = (inner: unknown, path: string, depth: number): Rejection | undefined => {
    if (inner === null || typeof inner !== 'object') return undefined;
    if (depth > JSON_DEPTH_MAX) return malformed(path, `is nested deeper than ${JSON_DEPTH_MAX}`);
    for (const key of Object.keys(inner)) {
      const at = path === '' ? key : `${path}.${key}`;
      if (key === '__proto__' || key === 'constructor' || key === 'prototype')
        return malformed(at, 'is a name that cannot be used');
      if (++keys > JSON_KEYS_MAX) return malformed(path, `has more than ${JSON_KEYS_MAX} keys`);
      const refused = visit((inner as Record<string, unknown>)[key], at, depth + 1);
      if (refused) return refused;
    }
    return undefined;
  };
  return visit(value, '', 1);
}

/** Bytes of `text` as UTF-8; whole strings of a JavaScript engine are measured in units of 16 bits. */
function utf8Length(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length && bytes <= JSON_BYTES_MAX; index++) {
    const unit = text.charCodeAt(index);
    // Half of a surrogate pair is one unit and two of the pair's four bytes.
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return bytes;
}

const FIELD_LENGTH_MAX = 200;

const malformed = (place: string, message: string): Rejection =>
  rejected(place.slice(0, FIELD_LENGTH_MAX), message);

const rejected = (field: string, message: string): Rejection =>
  new Rejection('malformed-body', `${field === '' ? 'the body' : field} ${message}`, 'invalid', [
    { field, message },
  ]);
