import type { Json } from '@downbeat/eventsourcing';

/**
 * What one piece of somebody's data may take, as JSON text in UTF-8: an answer, a start's context, a
 * signal's payload, an edit. With everything around it it still fits one message of a NATS server, which
 * by default takes 1 MiB.
 */
export const PAYLOAD_BYTES_MAX = 1_000_000;

/** Bytes of a value as JSON text in UTF-8. */
export const jsonBytes = (value: Json): number => utf8Bytes(JSON.stringify(value));

const BEYOND_ASCII = /[^\0-\x7f]/;

/** Bytes of `text` as UTF-8; counting ends soon behind `enough`. */
export function utf8Bytes(text: string, enough = Infinity): number {
  let bytes = text.length;
  if (!BEYOND_ASCII.test(text)) return bytes;
  for (let index = 0; index < text.length && bytes <= enough; index++) {
    const unit = text.charCodeAt(index);
    // Half of a surrogate pair is one unit and two of the pair's four bytes.
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return bytes;
}
