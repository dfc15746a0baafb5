import type { Table } from '../projection';
import { rowJson } from './table-sql';
import { fitRow, shapeOf } from './table-shape';

const shape = shapeOf({
  name: 'thing',
  key: 'id',
  columns: {
    id: 'text',
    count: 'bigint',
    ratio: 'double',
    is_on: 'boolean',
    at: 'instant',
    facts: 'json',
    note: 'text?',
  },
  on: {},
} satisfies Table as Table);

const row = {
  id: 'a',
  count: 1,
  ratio: 0.5,
  is_on: true,
  at: '2026-03-01T09:30:00.000Z',
  facts: { b: [1, null], a: 'x' },
  note: null,
};
const fit = (change: object) => fitRow(shape, { ...row, ...change }, 'a');

describe('a row on its way into a table', () => {
  it('stays as it is when it fits', () => {
    expect(fit({})).toEqual(row);
    expect(fit({}).facts).toBe(row.facts);
  });

  it.each([
    ['an instant without milliseconds', { at: '2026-03-01T09:30:00Z' }, { at: row.at }],
    ['an instant with an offset', { at: '2026-03-01T11:30:00+02:00' }, { at: row.at }],
    ['an instant with microseconds', { at: '2026-03-01T09:30:00.000999Z' }, { at: row.at }],
    ['negative zero', { ratio: -0, count: -0 }, { ratio: 0, count: 0 }],
    ['an undefined member of JSON', { facts: { a: undefined, b: 1 } }, { facts: { b: 1 } }],
    ['an undefined extra column', { extra: undefined }, {}],
    ['columns in another order', Object.fromEntries(Object.entries(row).reverse()), {}],
  ])('becomes what Postgres gives back: %s', (_, change, expected) => {
    const fitted = fit(change);
    expect(JSON.stringify(fitted)).toBe(JSON.stringify({ ...row, ...expected }));
    for (const value of Object.values(fitted)) expect(Object.is(value, -0)).toBe(false);
  });

  it.each([
    ['no value', { count: undefined }, /thing\.count must be a whole number/],
    ['null where it is not allowed', { count: null }, /thing\.count/],
    ['half a count', { count: 0.5 }, /thing\.count/],
    ['a count beyond what a number can hold', { count: 2 ** 53 }, /thing\.count/],
    ['a number as text', { count: '1' }, /thing\.count/],
    ['not a number', { ratio: Number.NaN }, /thing\.ratio/],
    ['infinity', { ratio: Infinity }, /thing\.ratio/],
    ['truth as a number', { is_on: 1 }, /thing\.is_on/],
    ['no time', { at: 'soon' }, /thing\.at/],
    ['a year Postgres reads otherwise', { at: '+012026-03-01T09:30:00.000Z' }, /thing\.at/],
    ['a date object', { at: new Date() }, /thing\.at/],
    ['NUL', { note: 'a\0b' }, /thing\.note holds a character/],
    ['half a surrogate pair', { note: 'a\ud800b' }, /thing\.note holds a character/],
    ['a function in JSON', { facts: { a: () => 1 } }, /thing\.facts/],
    ['a big integer in JSON', { facts: [1n] }, /thing\.facts/],
    ['a map in JSON', { facts: new Map() }, /thing\.facts must be JSON, not a Map/],
    ['not a number in JSON', { facts: { a: Number.NaN } }, /thing\.facts/],
    ['a column that does not exist', { extra: 1 }, /thing has no column extra/],
    ['another key', { id: 'b' }, /the row of a has the key b/],
  ])('is refused: %s', (_, change, reason) => expect(() => fit(change)).toThrow(reason));

  it('carries JSON as text, so that Postgres does not touch it', () => {
    expect(JSON.parse(rowJson(shape, row)).facts).toBe('{"b":[1,null],"a":"x"}');
    expect(JSON.parse(rowJson(shape, { ...row, facts: 'text' })).facts).toBe('"text"');
  });
});
