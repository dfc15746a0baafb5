import { Rejection, type Json } from '@downbeat/eventsourcing';
import { utf8Bytes } from './payload';
import { keysWritten, repeatedKey } from './repeated-key';

export const JSON_BYTES_MAX = 1_048_576;
export const JSON_DEPTH_MAX = 32;
export const JSON_KEYS_MAX = 10_000;

/**
 * Parses text from outside: at most 1 MiB, 32 levels, 10,000 keys, no key that JavaScript treats as
 * a prototype, no key twice in one object (RFC 8259 leaves open which would count), and no number
 * that is too large to be one.
 *
 * @param keysMax Of objects and places in lists, together.
 * @returns The value, or a rejection that names the place.
 */
export function parseUntrustedJson(
  text: string,
  keysMax = JSON_KEYS_MAX,
): { readonly value: Json } | Rejection {
  if (utf8Bytes(text, JSON_BYTES_MAX) > JSON_BYTES_MAX)
    return rejected('body-too-large', '', 'is larger than 1 MiB: send less at once');
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (fault) {
    if (!(fault instanceof SyntaxError)) throw fault;
    return malformed('', `is not JSON: ${fault.message.replace(/\s+/g, ' ').slice(0, 200)}`);
  }
  const keys = countKeys(value, keysMax);
  if (keys instanceof Rejection) return keys;
  // Of a key that is given twice the value holds one; only then is it worth looking for.
  const written = keysWritten(text);
  return written === keys ? { value } : repeated(text, written, keysMax);
}

/**
 * The same limits for a value some other parser made of untrusted text; keys given twice are that
 * parser's to see.
 *
 * @param keysMax Of objects and places in lists, together.
 */
export function checkUntrusted(value: unknown, keysMax = JSON_KEYS_MAX): Rejection | undefined {
  const keys = countKeys(value, keysMax);
  return keys instanceof Rejection ? keys : undefined;
}

/** The keys of all its objects; places in lists count towards the limit only. */
function countKeys(value: unknown, keysMax = JSON_KEYS_MAX): number | Rejection {
  let keys = 0;
  let places = 0;
  const visit = (inner: unknown, path: string, depth: number): Rejection | undefined => {
    // `1e999` is JSON and becomes infinite, which could not be kept.
    if (typeof inner === 'number' && !Number.isFinite(inner))
      return malformed(path, 'is a number that is too large');
    if (inner === null || typeof inner !== 'object') return undefined;
    if (depth > JSON_DEPTH_MAX) return malformed(path, `is nested deeper than ${JSON_DEPTH_MAX}`);
    const names = Object.keys(inner);
    if (Array.isArray(inner)) places += names.length;
    else keys += names.length;
    if (keys + places > keysMax) return tooManyKeys(keysMax);
    for (const key of names) {
      const at = path === '' ? key : `${path}.${key}`;
      if (key === '__proto__' || key === 'constructor' || key === 'prototype')
        return malformed(at, 'is a name that cannot be used');
      const refused = visit((inner as Record<string, unknown>)[key], at, depth + 1);
      if (refused) return refused;
    }
    return undefined;
  };
  return visit(value, '', 1) ?? keys;
}

function repeated(text: string, keysWritten: number, keysMax: number): Rejection {
  if (keysWritten > keysMax) return tooManyKeys(keysMax);
  const place = repeatedKey(text, JSON_DEPTH_MAX);
  return place === undefined
    ? malformed('', `has a key twice in one object, and is nested deeper than ${JSON_DEPTH_MAX}`)
    : malformed(place, 'is given more than once');
}

/** Of the whole: the place where the count passed the bound is not what is wrong. */
const tooManyKeys = (keysMax: number): Rejection =>
  malformed('', `has more than ${keysMax} keys and places in lists together: send less at once`);

const FIELD_LENGTH_MAX = 200;

const malformed = (place: string, message: string): Rejection =>
  rejected('malformed-body', place.slice(0, FIELD_LENGTH_MAX), message);

const rejected = (code: string, field: string, message: string): Rejection =>
  new Rejection(code, `${field === '' ? 'the body' : field} ${message}`, 'invalid', [
    { field, message },
  ]);
