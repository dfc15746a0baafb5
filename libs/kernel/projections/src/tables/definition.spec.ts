import { fingerprint, validateProjections } from './definition';
import type { Column, Projection, Table } from '../projection';
import { countsOf } from '../rows/counts';
import { bookTable, lending } from '../testing/lending';

const projection = (change: Partial<Projection>): Projection => ({ ...lending, ...change });
const table = (change: Partial<Table>): Projection =>
  projection({ tables: [{ ...(bookTable as unknown as Table), ...change }] });
const columns = (change: Record<string, string>): Projection =>
  table({ columns: { ...bookTable.columns, ...(change as Record<string, Column>) } });
const counting = (counts: object, place: 'first' | 'last' = 'last'): Projection => {
  const tables = [bookTable, counts] as unknown as Table[];
  return projection({ tables: place === 'first' ? tables.toReversed() : tables });
};

describe('a projection’s definition', () => {
  it('is taken when it is sound', () => {
    const counted = counting(countsOf('c', bookTable, ['shelf', 'title']));
    for (const sound of [lending, counted])
      expect(() => validateProjections([sound])).not.toThrow();
  });

  it.each([
    ['a name without context', projection({ name: 'lending' })],
    ['a name with SQL in it', projection({ name: 'registry.lending"; drop' })],
    ['version 0', projection({ version: 0 })],
    ['half a version', projection({ version: 1.5 })],
    ['no table', projection({ tables: [] })],
    ['a table name with SQL in it', table({ name: 'book"; drop table book; --' })],
    ['a table name in capitals', table({ name: 'Book' })],
    ['a table name that leaves no room for the version', table({ name: 'b'.repeat(60) })],
    ['the bookkeeping’s name', table({ name: 'projection_parked' })],
    ['a column name with a quote', columns({ 'a"b': 'text' })],
    [
      'a column named __proto__',
      table({ columns: { ...bookTable.columns, ['__proto__x']: 'text' } }),
    ],
    ['an unknown column type', columns({ title: 'varchar' })],
    ['a type every object has', columns({ title: 'constructor' })],
    ['a key that is no column', table({ key: 'isbn' })],
    ['a key that is no text', columns({ book: 'bigint' })],
    ['a key that may be null', columns({ book: 'text?' })],
    ['an index on no column', table({ indexes: [['isbn']] })],
    ['an index on json', table({ indexes: [['labels']] })],
    ['counts of a table that is not there', counting(countsOf('c', { name: 'other' }, ['shelf']))],
    ['counts of a table that comes after', counting(countsOf('c', bookTable, ['shelf']), 'first')],
    ['counts by what may be null', counting(countsOf('c', bookTable, ['borrower' as never]))],
    ['counts by no column', counting(countsOf('c', bookTable, ['isbn' as never]))],
  ])('is refused: %s', (_, wrong) =>
    expect(() => validateProjections([wrong])).toThrow(
      expect.objectContaining({ code: 'projections/invalid-projection' }),
    ),
  );

  it('is refused when two projections have one name, or one table', () => {
    expect(() => validateProjections([lending, lending])).toThrow(/listed twice/);
    const other = projection({ name: 'registry.other' });
    expect(() => validateProjections([lending, other])).toThrow(/belongs to registry.lending/);
  });

  it('has another fingerprint when its tables change, and only then', () => {
    const print = fingerprint(lending);
    expect(fingerprint(projection({ version: 2 }))).toBe(print);
    expect(fingerprint(columns({ wear: 'bigint' }))).not.toBe(fingerprint(columns({})));
    const by = (...columns: never[]) => fingerprint(counting(countsOf('c', bookTable, columns)));
    expect(by('shelf' as never)).not.toBe(by('title' as never));
    expect(fingerprint(table({ indexes: [['shelf']] }))).not.toBe(fingerprint(columns({})));
  });
});
