import * as fc from 'fast-check';
import { placesOf, segmentsOf } from './endpoint-pattern';
import { PatternTree } from './pattern-tree';

function treeOf(...patterns: readonly string[]): PatternTree<string> {
  const tree = new PatternTree<string>();
  for (const pattern of patterns) tree.add(pattern, pattern);
  return tree;
}

describe('an endpoint pattern', () => {
  it.each([
    ['*', 'anything at all/x', true],
    ['*', '', true],
    ['GET /orders', 'GET /orders', true],
    ['GET /orders', 'GET /orders/', true],
    ['GET /orders', 'GET /orders?page=2', true],
    ['GET /orders', 'POST /orders', false],
    ['GET /orders', 'GET /orders/1', false],
    ['* /orders', 'PUT /orders', true],
    ['GET /orders/*', 'GET /orders/1', true],
    ['GET /orders/*', 'GET /orders/1/lines', true],
    ['GET /orders/*', 'GET /orders', false],
    ['GET /orders/**', 'GET /orders', true],
    ['GET /orders/**', 'GET /orders/1/lines/2', true],
    ['GET /orders/*/lines', 'GET /orders/1/lines', true],
    ['GET /orders/*/lines', 'GET /orders/1/2/lines', false],
    ['getUser', 'getUser', true],
    ['getUser', 'getUsers', false],
  ])('%s matches %s: %s', (pattern, endpoint, isMatch) => {
    expect(treeOf(pattern).find(endpoint) !== undefined).toBe(isMatch);
  });

  it.each(['', '/', 'a*', 'a/**/b', '***', 'x'.repeat(201), 'a/'.repeat(17)])(
    '%s is refused',
    (pattern) => expect(() => placesOf(pattern)).toThrow(RangeError),
  );

  it('cannot be given twice', () => {
    expect(() => treeOf('GET /a', 'GET a/')).toThrow(RangeError);
    expect(() => treeOf('*', '**')).toThrow(RangeError);
  });
});

describe('of several patterns', () => {
  const tree = treeOf(
    '*',
    'GET /orders/*',
    'GET /orders/**',
    'GET /orders/*/lines',
    'GET /orders/new',
    '* /orders/new/lines',
  );

  it.each([
    ['GET /orders/new', 'GET /orders/new'],
    ['GET /orders/7', 'GET /orders/*'],
    ['GET /orders', 'GET /orders/**'],
    ['GET /orders/7/lines', 'GET /orders/*/lines'],
    // A text on the left says more than one on the right.
    ['GET /orders/new/lines', 'GET /orders/*/lines'],
    ['PUT /orders/new/lines', '* /orders/new/lines'],
    ['PUT /orders', '*'],
  ])('%s is decided by %s', (endpoint, pattern) => expect(tree.find(endpoint)).toBe(pattern));

  it('one is found as matching them one by one would find it', () => {
    const segment = fc.constantFrom('a', 'b', '*');
    const patterns = fc.uniqueArray(
      fc
        .tuple(fc.array(segment, { minLength: 1, maxLength: 4 }), fc.boolean())
        .map(([segments, isRest]) => [...segments, ...(isRest ? ['**'] : [])].join('/')),
      { maxLength: 12 },
    );
    const endpoints = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 5 });
    fc.assert(
      fc.property(patterns, endpoints, (all, segments) => {
        const kept = all.filter((one, at) => isNew(one, all.slice(0, at)));
        const found = treeOf(...kept).find(segments.join('/'));
        const matching = kept.filter((pattern) => matches(pattern, segments));
        expect(found === undefined).toBe(matching.length === 0);
        if (found !== undefined) expect(matching).toContain(found);
      }),
    );
  });
});

const meaning = (pattern: string) => JSON.stringify(placesOf(pattern));
const isNew = (pattern: string, others: readonly string[]) =>
  !others.some((other) => meaning(other) === meaning(pattern));

/** The same rules, spelled out one by one. */
function matches(pattern: string, segments: readonly string[]): boolean {
  const places = placesOf(pattern);
  const last = places.at(-1);
  const fixed = last?.kind === 'rest' ? places.slice(0, -1) : places;
  const more = segments.length - fixed.length;
  const isLength = last?.kind === 'rest' ? more >= last.least : more === 0;
  return (
    isLength &&
    fixed.every(
      (place, at) => place.kind === 'any' || (place.kind === 'text' && place.text === segments[at]),
    )
  );
}

it('an endpoint of any length costs a bounded look', () => {
  expect(segmentsOf('a/'.repeat(100_000)).length).toBeLessThanOrEqual(18);
});
