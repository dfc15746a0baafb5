const LENGTH_MAX = 200;
const SEGMENTS_MAX = 16;

/** One place of a pattern: this text, any one segment, or all that follow, at least so many. */
export type Place =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'any' }
  | { readonly kind: 'rest'; readonly least: 0 | 1 };

/**
 * What is compared of an endpoint: `GET /orders/42?full=1` is `GET`, `orders`, `42`. Longer ones than
 * any pattern can tell apart are cut off.
 */
export function segmentsOf(endpoint: string): readonly string[] {
  const query = endpoint.indexOf('?');
  const path = query < 0 ? endpoint : endpoint.slice(0, query);
  return path.split(/[/ ]+/, SEGMENTS_MAX + 2).filter((segment) => segment !== '');
}

/**
 * `*` stands for one segment, at the end for all that follow, at least one; `**` at the end for all
 * that follow, if any. A lone `*` is everything. No regular expressions: what people may set is to be
 * decided in a bounded time.
 *
 * @throws {RangeError} It is too long, or has a star where none may be.
 */
export function placesOf(pattern: string): readonly Place[] {
  if (pattern.length > LENGTH_MAX)
    throw new RangeError(`an endpoint pattern has at most ${LENGTH_MAX} characters`);
  const segments = segmentsOf(pattern);
  if (segments.length > SEGMENTS_MAX || segments.length === 0)
    throw new RangeError(`an endpoint pattern has 1 to ${SEGMENTS_MAX} segments: ${pattern}`);
  if (segments.length === 1 && segments[0] === '*') return [{ kind: 'rest', least: 0 }];
  return segments.map((segment, at) => placeOf(segment, at === segments.length - 1, pattern));
}

function placeOf(segment: string, isLast: boolean, pattern: string): Place {
  if (segment === '*') return isLast ? { kind: 'rest', least: 1 } : { kind: 'any' };
  if (segment === '**' && isLast) return { kind: 'rest', least: 0 };
  if (segment.includes('*'))
    throw new RangeError(`a star is a segment of its own, two of them the last: ${pattern}`);
  return { kind: 'text', text: segment };
}
