import type { Message, StreamName } from '@downbeat/eventsourcing';
import { ignore, type Change, type Projection, type Table } from '../projection';

/** A small library of books: what this library's own tests project. */
export type LendingEvent =
  | Message<'BookBought', { book: string; shelf: string; title: string; labels?: object }>
  | Message<'BookMoved', { book: string; from: string; to: string }>
  | Message<'BookLent', { book: string; borrower: string; at: string }>
  | Message<'BookReturned', { book: string }>
  | Message<'BookSold', { book: string; shelf: string }>
  | Message<'BookRead', { book: string }>;

export type Book = {
  readonly book: string;
  readonly title: string;
  readonly shelf: string;
  readonly borrower: string | null;
  readonly lent_at: string | null;
  readonly times_lent: number;
  readonly wear: number;
  readonly is_lent: boolean;
  readonly labels: object | null;
};

function boughtAs(
  titleOf: (title: string) => string,
): Change<Book, Extract<LendingEvent, { type: 'BookBought' }>> {
  const unlent = { borrower: null, lent_at: null, times_lent: 0, wear: 0, is_lent: false };
  return {
    keys: ({ data }) => [data.book],
    fold: (_, { data: { book, title, shelf, labels = null } }) => ({
      book,
      title: titleOf(title),
      shelf,
      labels,
      ...unlent,
    }),
  };
}

/** One row per book. A title of `poison` cannot be folded. */
export const bookTable: Table<Book, LendingEvent> = {
  name: 'book',
  key: 'book',
  columns: {
    book: 'text',
    title: 'text',
    shelf: 'text',
    borrower: 'text?',
    lent_at: 'instant?',
    times_lent: 'bigint',
    wear: 'double',
    is_lent: 'boolean',
    labels: 'json?',
  },
  indexes: [['shelf', 'title']],
  on: {
    BookBought: boughtAs((title) => {
      if (title === 'poison') throw new Error('this title cannot be read');
      return title;
    }),
    BookMoved: {
      keys: ({ data }) => [data.book],
      fold: (row, { data }) => row && { ...row, shelf: data.to },
    },
    BookLent: {
      keys: ({ data }) => [data.book],
      fold: (row, { data }) =>
        row && {
          ...row,
          borrower: data.borrower,
          lent_at: data.at,
          times_lent: row.times_lent + 1,
          wear: row.wear + 0.1,
          is_lent: true,
        },
    },
    BookReturned: {
      keys: ({ data }) => [data.book],
      fold: (row) => row && { ...row, borrower: null, lent_at: null, is_lent: false },
    },
    BookSold: { keys: ({ data }) => [data.book], fold: () => undefined },
    BookRead: ignore,
  },
};

export type Shelf = { readonly shelf: string; readonly books: number };

/** How many books stand on each shelf: rows that many streams change. An empty shelf has no row. */
export const shelfTable: Table<Shelf, LendingEvent> = {
  name: 'shelf',
  key: 'shelf',
  columns: { shelf: 'text', books: 'bigint' },
  on: {
    BookBought: {
      keys: ({ data }) => [data.shelf],
      fold: (row, _, shelf) => counted(row, shelf, 1),
    },
    BookMoved: {
      keys: ({ data }) => [data.from, data.to],
      fold: (row, { data }, shelf) => counted(row, shelf, shelf === data.to ? 1 : -1),
    },
    BookLent: ignore,
    BookReturned: ignore,
    BookSold: {
      keys: ({ data }) => [data.shelf],
      fold: (row, _, shelf) => counted(row, shelf, -1),
    },
    BookRead: ignore,
  },
};

const counted = (row: Shelf | undefined, shelf: string, by: number): Shelf | undefined => {
  const books = (row?.books ?? 0) + by;
  return books === 0 ? undefined : { shelf, books };
};

export const lending: Projection = {
  name: 'registry.lending',
  version: 1,
  tables: [bookTable, shelfTable],
};

/** The same read model where titles become something else. */
export const titledLending = (version: number, titleOf: (title: string) => string): Projection => ({
  ...lending,
  version,
  tables: [{ ...bookTable, on: { ...bookTable.on, BookBought: boughtAs(titleOf) } }, shelfTable],
});

/** The next version of the same read model: titles are shouted. */
export const louderLending = titledLending(2, (title) => title.toUpperCase());

export const bookStream = (book: string): StreamName => `book-${book}` as StreamName;

export const bought = (book: string, shelf = 'top', title = `Book ${book}`): LendingEvent => ({
  type: 'BookBought',
  data: { book, shelf, title },
});
export const moved = (book: string, from: string, to: string): LendingEvent => ({
  type: 'BookMoved',
  data: { book, from, to },
});
export const lent = (book: string, borrower: string, at: string): LendingEvent => ({
  type: 'BookLent',
  data: { book, borrower, at },
});
export const returned = (book: string): LendingEvent => ({ type: 'BookReturned', data: { book } });
export const sold = (book: string, shelf = 'top'): LendingEvent => ({
  type: 'BookSold',
  data: { book, shelf },
});
export const read = (book: string): LendingEvent => ({ type: 'BookRead', data: { book } });
