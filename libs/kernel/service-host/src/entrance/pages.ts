/** One page of rows, and where the next one begins. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly nextCursor: string | undefined;
}

/** The key a page begins after; null for the first page. A cursor that is not ours begins nowhere known, so it begins at the start. */
export const cursorOf = (cursor: string | undefined): string | null =>
  cursor === undefined ? null : Buffer.from(cursor, 'base64url').toString('utf8');

/** @param rows One more than `limit` when there is a next page. */
export function pageOf<Row>(
  rows: readonly Row[],
  limit: number,
  keyOf: (row: Row) => string,
): Page<Row> {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const isLast = rows.length <= limit || last === undefined;
  return {
    rows: page,
    nextCursor: isLast ? undefined : Buffer.from(keyOf(last), 'utf8').toString('base64url'),
  };
}
