import { createHash } from 'node:crypto';
import { Fault } from '@downbeat/eventsourcing';

/** One page of rows, and where the next one begins. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly nextCursor: string | undefined;
}

/** A cursor that no page of ours ended with. `@Answers` makes a rejection of it that names `cursor`. */
export class ForeignCursor extends Fault {
  override readonly name = 'ForeignCursor';
  readonly code = 'service-host/foreign-cursor';
  readonly remedy = 'give-up';
}

const CHECK_BYTES = 4;

/** Not against forgery, for a key is no secret and grants nothing: against beginning at a wrong place unnoticed. */
const checkOf = (key: string): Buffer =>
  createHash('sha256').update(key).digest().subarray(0, CHECK_BYTES);

const cursorAfter = (key: string): string =>
  Buffer.concat([checkOf(key), Buffer.from(key, 'utf8')]).toString('base64url');

/**
 * The key a page begins after; null for the first page.
 *
 * @throws {ForeignCursor}
 */
export function cursorOf(cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  const key = Buffer.from(cursor, 'base64url').subarray(CHECK_BYTES).toString('utf8');
  if (cursorAfter(key) !== cursor) throw new ForeignCursor('does not belong to this list');
  return key;
}

/** @param rows One more than `limit` when there is a next page. */
export function pageOf<Row>(
  rows: readonly Row[],
  limit: number,
  keyOf: (row: Row) => string,
): Page<Row> {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const isLast = rows.length <= limit || last === undefined;
  return { rows: page, nextCursor: isLast ? undefined : cursorAfter(keyOf(last)) };
}
