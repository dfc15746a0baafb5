import { utf8Bytes } from '@downbeat/contracts';
import { pageOf, type Page } from '@downbeat/service-host';

const bytesOf = (value: unknown): number => utf8Bytes(JSON.stringify(value));

/** The first of them that fit together as JSON: an answer is one message of NATS. */
export function withinBytes<Item>(
  items: readonly Item[],
  countMax: number,
  bytesMax: number,
): readonly Item[] {
  let bytes = 0;
  const beyond = items.slice(0, countMax).findIndex((item) => (bytes += bytesOf(item)) > bytesMax);
  return items.slice(0, beyond < 0 ? countMax : beyond);
}

/** What is shown, and its place in the list. */
export interface Placed<Shown> {
  readonly place: string;
  readonly shown: Shown;
}

/**
 * A page of what fits together, at least one of them.
 *
 * @param rows One more than `limit` when there is a next page; no more are taken than are needed.
 */
export function pageWithin<Shown>(
  rows: Iterable<Placed<Shown>>,
  limit: number,
  bytesMax: number,
): Page<Placed<Shown>> {
  const taken: Placed<Shown>[] = [];
  let bytes = 0;
  for (const row of rows) {
    taken.push(row);
    bytes += bytesOf(row.shown);
    if (taken.length > limit || (bytes > bytesMax && taken.length > 1)) break;
  }
  const fits = bytes > bytesMax ? Math.max(1, taken.length - 1) : limit;
  return pageOf(taken, Math.min(limit, fits), ({ place }) => place);
}
