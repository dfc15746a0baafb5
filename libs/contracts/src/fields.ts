import type { Json } from '@downbeat/eventsourcing';
import { z } from 'zod';
import { jsonBytes, PAYLOAD_BYTES_MAX } from './payload';

/** The name of a service, a workflow, a step: lower case, digits, inner hyphens; at most 63 characters. */
export const name = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'must be lower-case letters and digits, joined by hyphens');

/** An identifier somebody else chose. It becomes part of a subject and of a stream's name. */
export const externalId = z
  .string()
  .max(128)
  .regex(
    /^[A-Za-z0-9_:@-]+(\.[A-Za-z0-9_:@-]+)*$/,
    'must be letters, digits and any of _ : @ - joined by dots',
  )
  .refine((id) => id !== '__proto__', 'must not be what JavaScript calls a prototype');

export const version = z
  .string()
  .max(64)
  .regex(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/, 'must be a semantic version such as 1.4.0');

/**
 * One line of visible text: no control characters, no line or paragraph separators, nothing that is
 * invisible or turns the direction of what follows (Unicode's Cc, Zl, Zp, Cf), no half of a pair.
 */
export const line = (lengthMax: number) =>
  z
    .string()
    .min(1)
    .max(lengthMax)
    .regex(
      /^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]*$/u,
      'must be one line without control or invisible characters',
    );

/** Printable ASCII, as RFC 3986 has it; a password in it would be kept for ever and shown to everyone. */
export const httpUrl = z
  .url({ protocol: /^https?$/ })
  .max(2_048)
  .regex(
    // A backslash before the path is a slash to those who parse URLs as browsers do.
    /^https?:\/\/(?![^/?#]*[@\\])[!-~]+$/i,
    'must be http:// or https:// in printable ASCII, and must not hold a user or a password',
  );

/** Of a URL (RFC 3986), without a query: printable ASCII but `#` and `?`. */
export const urlPath = z
  .string()
  .max(1_024)
  .regex(
    /^\/[!"$->@-~]*$/,
    'must be a path that begins with /, in printable ASCII without ? and #',
  );

export const instant = z.iso.datetime();

export const json: z.ZodType<Json> = z.json();

export const jsonObject = z.record(z.string(), json);

const PAYLOAD_MESSAGE = `must not be larger than ${PAYLOAD_BYTES_MAX} bytes as JSON`;
const isPayload = (value: Json): boolean => jsonBytes(value) <= PAYLOAD_BYTES_MAX;

/** What a run is given, of any shape or as an object. */
export const payload = json.refine(isPayload, PAYLOAD_MESSAGE);
export const payloadObject = jsonObject.refine(isPayload, PAYLOAD_MESSAGE);

/** A SHA-256. */
export const checksum = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits in lower case');

/** Free-form facts about something, bounded. */
export const labels = z
  .record(z.string().max(128), json)
  .refine(
    (value) => JSON.stringify(value).length <= 16_384,
    'must not be longer than 16 KiB as JSON',
  );

/** Of a list: no two of it have the same name. The second one is what is wrong. */
export const noneTwice =
  <Item>(nameOf: (item: Item) => string) =>
  (all: readonly Item[], context: z.RefinementCtx): void => {
    const seen = new Set<string>();
    for (const [index, item] of all.entries()) {
      const name = nameOf(item);
      const message = `names ${name} a second time`;
      if (seen.has(name)) context.addIssue({ code: 'custom', path: [index], message });
      seen.add(name);
    }
  };

/** A query string has text only; a number in it is read as one. */
export const pageLimit = z.coerce.number().int().min(1).max(200).default(50);

/** Where a list goes on: the opaque `next_cursor` of the page before. */
export const cursor = z.string().max(512).optional();

export const nextCursor = z.string().optional();
