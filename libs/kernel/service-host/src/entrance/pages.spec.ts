import { cursorOf, ForeignCursor, pageOf } from './pages';

describe('a page', () => {
  const rows = ['a', 'ä\n€', 'c'];
  const keyOf = (row: string): string => row;

  it('leads to the next one, which begins after its last row', () => {
    const page = pageOf(rows, 2, keyOf);
    expect(page.rows).toEqual(['a', 'ä\n€']);
    expect(cursorOf(page.nextCursor)).toBe('ä\n€');
  });

  it.each([3, 4])('is the last one when it holds all: limit %i', (limit) => {
    expect(pageOf(rows, limit, keyOf)).toEqual({ rows, nextCursor: undefined });
  });

  it('may be empty', () => {
    expect(pageOf([], 1, keyOf)).toEqual({ rows: [], nextCursor: undefined });
  });

  it('is the first one without a cursor', () => {
    expect(cursorOf(undefined)).toBeNull();
  });

  it.each(['', 'a', 'billing', '!!', Buffer.from('billing').toString('base64url'), 'AAAAAA'])(
    'never begins at a cursor that is not ours: %j',
    (cursor) => {
      expect(() => cursorOf(cursor)).toThrow(ForeignCursor);
    },
  );

  it('never begins at a cursor that was changed or cut off', () => {
    const cursor = pageOf(rows, 1, keyOf).nextCursor ?? '';
    for (const other of [
      cursor.slice(0, -1),
      `${cursor}A`,
      `${cursor}=`,
      cursor.replace(/^./, '-'),
    ])
      expect(() => cursorOf(other)).toThrow(ForeignCursor);
  });
});
