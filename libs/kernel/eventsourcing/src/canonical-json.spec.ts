import fc from 'fast-check';
import { canonicalJson } from './canonical-json';
import type { Json } from './json';

const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>;

const turned = (value: Json): Json => {
  if (Array.isArray(value)) return value.map(turned);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, turned(inner ?? null)]),
  );
};

describe('canonical JSON', () => {
  it('says the same value', () =>
    fc.assert(
      fc.property(json, (value) =>
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value))),
      ),
    ));

  it('is the same in whatever order keys were written', () =>
    fc.assert(fc.property(json, (value) => canonicalJson(value) === canonicalJson(turned(value)))));

  it('writes numbers and orders keys as RFC 8785 has them', () => {
    // Sections 3.2.2 and 3.2.3: ECMAScript numbers, keys by UTF-16 code units.
    expect(canonicalJson([333333333.33333329, 1e30, 4.5, 2e-3, 1e-27, -0])).toBe(
      '[333333333.3333333,1e+30,4.5,0.002,1e-27,0]',
    );
    const keys = {
      '\u20ac': 1,
      '\r': 2,
      '\ufb33': 3,
      '1': 4,
      '\u{1f600}': 5,
      '\u0080': 6,
      '\u00f6': 7,
    };
    expect(
      canonicalJson(keys)
        .match(/(?<=:)\d/g)
        ?.join(),
    ).toBe('2,4,6,7,1,5,3');
  });
});
