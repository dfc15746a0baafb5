import type { Json } from '@downbeat/eventsourcing';
import { FORBIDDEN_KEYS } from './scope';

const SEGMENTS_MAX = 32;

/** @returns The segments of `booking.venue_id` or `items.0.sku`, or what is wrong with it. */
export function parsePath(source: string): readonly string[] | { readonly message: string } {
  const segments = source.split('.');
  if (segments.length > SEGMENTS_MAX) return { message: `has more than ${SEGMENTS_MAX} parts` };
  for (const segment of segments) {
    if (!/^[^\s="'()[\]{}]+$/.test(segment))
      return { message: 'is not a path such as booking.venue_id; an expression begins with =' };
    if (FORBIDDEN_KEYS.has(segment)) return { message: `must not contain ${segment}` };
  }
  return segments;
}

/** Own properties and array elements only; `undefined` when the path leads nowhere. */
export function lookUp(value: Json | undefined, segments: readonly string[]): Json | undefined {
  let here: Json | undefined = value;
  for (const segment of segments) {
    if (here === null || typeof here !== 'object') return undefined;
    if (Array.isArray(here) && !/^\d+$/.test(segment)) return undefined;
    if (!Object.hasOwn(here, segment)) return undefined;
    here = (here as Readonly<Record<string, Json | undefined>>)[segment];
  }
  return here;
}
