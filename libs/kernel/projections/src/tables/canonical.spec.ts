import fc from 'fast-check';
import { canonicalJson } from './canonical';

const shuffled = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(shuffled);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, member]) => [name, shuffled(member)]),
  );
};

describe('canonical JSON', () => {
  it('does not depend on the order of members', () =>
    fc.assert(
      fc.property(
        fc.jsonValue(),
        (value) => canonicalJson(value) === canonicalJson(shuffled(value)),
      ),
    ));

  it('is JSON of the same value', () =>
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) =>
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value))),
      ),
    ));

  it.each([
    [{ a: 1 }, { a: '1' }],
    [{ a: null }, {}],
    [
      [1, 2],
      [2, 1],
    ],
    [{ a: { b: 1 } }, { a: { c: 1 } }],
  ])('tells %j from %j', (one, other) => expect(canonicalJson(one)).not.toBe(canonicalJson(other)));
});
