import type { Instant, StreamName } from '@downbeat/eventsourcing';
import { tableSpecification } from './given-table';
import {
  bookTable,
  bought,
  lent,
  moved,
  returned,
  shelfTable,
  sold,
  type LendingEvent,
} from './lending';
import { ignore, type Table } from '../projection';

const books = tableSpecification(bookTable);
const shelves = tableSpecification(shelfTable);

describe('given events, then rows', () => {
  it('folds one row through its life', () =>
    books.given(bought('a'), lent('a', 'Kim', '2026-03-01T09:30:00Z'), returned('a')).thenRows({
      book: 'a',
      title: 'Book a',
      shelf: 'top',
      borrower: null,
      lent_at: null,
      times_lent: 1,
      wear: 0.1,
      is_lent: false,
      labels: null,
    }));

  it('folds rows of several streams and several keys of one event, in any order', () =>
    shelves
      .given(bought('a'), bought('b'), bought('c'), moved('a', 'top', 'low'))
      .thenRows({ shelf: 'low', books: 1 }, { shelf: 'top', books: 2 }));

  it('knows that a row is gone', () => shelves.given(bought('a'), sold('a')).thenNoRows());

  it('shows instants as Postgres gives them back', () => {
    const { rows } = books.given(bought('a'), lent('a', 'Kim', '2026-03-01T11:30:00+02:00'));
    expect(rows[0]?.lent_at).toBe('2026-03-01T09:30:00.000Z');
  });

  it('passes on what a test says about the recording', () => {
    const table: Table<{ stream: string; recorded_at: string }, LendingEvent> = {
      name: 'seen',
      key: 'stream',
      columns: { stream: 'text', recorded_at: 'instant' },
      on: {
        BookBought: {
          keys: ({ stream }) => [stream],
          fold: (_, { recorded_at }, stream) => ({ stream, recorded_at }),
        },
        BookMoved: ignore,
        BookLent: ignore,
        BookReturned: ignore,
        BookSold: ignore,
        BookRead: ignore,
      },
    };
    const recorded_at = '2026-03-05T00:00:00.000Z' as Instant;
    tableSpecification(table)
      .given({ ...bought('a'), stream: 'book-a' as StreamName, recorded_at })
      .thenRows({ stream: 'book-a', recorded_at });
  });

  it.each([
    ['another row', () => shelves.given(bought('a')).thenRows({ shelf: 'top', books: 2 })],
    ['a row too many', () => shelves.given(bought('a')).thenNoRows()],
    ['a missing row', () => shelves.given().thenRows({ shelf: 'top', books: 1 })],
  ])('fails on %s, showing both sides', (_, wrong) => expect(wrong).toThrow(/expected rows/));

  it('fails when an event cannot be folded, and says which', () =>
    expect(() => books.given(bought('a'), bought('b', 'top', 'poison'))).toThrow(
      /event 2 \(BookBought\): Error: this title cannot be read/,
    ));
});
