import { canonicalJson, type Json, type JsonObject } from '@downbeat/eventsourcing';
import fc from 'fast-check';
import { differences, type Difference } from './differences';
import { isBranch, masked, pointerOf, secretReferences, secretsIn, withSecrets } from './document';
import { mergePatch } from './merge-patch';

/** Few keys, so that two documents have some in common. */
const key = fc.constantFrom('a', 'b', 'c', 'd/e');
const secret = fc.constantFrom('env:A', 'env:B').map((ref): JsonObject => ({ $secret: { ref } }));
const documentOf = (leaf: fc.Arbitrary<Json>): fc.Arbitrary<JsonObject> =>
  fc.letrec<{ branch: JsonObject; node: Json }>((tie) => ({
    branch: fc.dictionary(key, tie('node'), { maxKeys: 4 }),
    node: fc.oneof({ depthSize: 'small' }, leaf, secret, tie('branch')),
  })).branch;
const plainLeaf: fc.Arbitrary<Json> = fc.oneof(
  fc.integer({ min: 0, max: 2 }),
  fc.constantFrom('x', 'y', true),
  fc.array(fc.integer({ min: 0, max: 1 }), { maxLength: 2 }),
);
const document = documentOf(plainLeaf);
const patch = documentOf(fc.oneof(plainLeaf, fc.constant(null)));

const same = (a: Json, b: Json) => expect(canonicalJson(a)).toBe(canonicalJson(b));

/** A document without the objects that hold nothing: a patch cannot tell them from what is absent. */
function applied(document: JsonObject, all: readonly Difference[]): JsonObject {
  return all.reduce((whole, one) => put(whole, one.path, valueAfter(one)), document);
}
const valueAfter = (one: Difference): Json | undefined =>
  one.change === 'removed' ? undefined : one.to;
function put(into: JsonObject, [first = '', ...rest]: readonly string[], value?: Json): JsonObject {
  const { [first]: inner, ...others } = into;
  if (rest.length > 0) return { ...into, [first]: put(inner as JsonObject, rest, value) };
  return value === undefined ? others : { ...into, [first]: value };
}

describe('merging', () => {
  // The table of RFC 7396, appendix A, as far as it is about objects.
  it.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j with %j is %j', (target, change, result) => same(mergePatch(target, change), result));

  it('puts a secret in the place of what was there, and never mixes two', () => {
    const [one, other] = [{ $secret: { ref: 'env:A' } }, { $secret: { ref: 'env:B' } }];
    same(mergePatch({ p: one }, { p: other }), { p: other });
    same(mergePatch({ p: one }, { p: { host: 'x' } }), { p: { host: 'x' } });
    same(mergePatch({ p: { host: 'x' } }, { p: one }), { p: one });
  });

  it('with nothing changes nothing', () =>
    fc.assert(fc.property(document, (base) => same(mergePatch(base, {}), base))));

  it('twice is merging once', () =>
    fc.assert(
      fc.property(document, patch, (base, change) => {
        const once = mergePatch(base, change);
        same(mergePatch(once, change), once);
      }),
    ));

  it('keeps whatever the patch does not name', () =>
    fc.assert(
      fc.property(document, patch, (base, change) => {
        const merged = mergePatch(base, change);
        for (const [name, value] of Object.entries(base))
          if (!Object.hasOwn(change, name)) same(merged[name] ?? null, value ?? null);
      }),
    ));

  it('leaves what it was given as it was', () =>
    fc.assert(
      fc.property(document, patch, (base, change) => {
        const before = canonicalJson([base, change]);
        mergePatch(base, change);
        return canonicalJson([base, change]) === before;
      }),
    ));
});

describe('differences', () => {
  it('are none between equals, and only between them', () =>
    fc.assert(
      fc.property(document, document, (one, other) => {
        expect(differences(one, one)).toEqual([]);
        return (
          (differences(one, other).length === 0) === (canonicalJson(one) === canonicalJson(other))
        );
      }),
    ));

  it('are none between lists and secrets that say the same', () =>
    expect(
      differences(
        { a: [1, { b: 2 }], s: { $secret: { ref: 'env:A' } } },
        { a: [1, { b: 2 }], s: { $secret: { ref: 'env:A' } } },
      ),
    ).toEqual([]));

  it('make one of the other', () =>
    fc.assert(
      fc.property(document, document, (one, other) =>
        same(applied(one, differences(one, other)), other),
      ),
    ));

  it('are the same backwards, with the ends exchanged', () =>
    fc.assert(
      fc.property(document, document, (one, other) => {
        const places = (all: readonly Difference[]) => all.map(({ path }) => pointerOf(path));
        expect(places(differences(one, other))).toEqual(places(differences(other, one)));
      }),
    ));

  it('name the place of each, once', () =>
    fc.assert(
      fc.property(document, document, (one, other) => {
        const places = differences(one, other).map(({ path }) => pointerOf(path));
        return new Set(places).size === places.length;
      }),
    ));
});

describe('a document', () => {
  it('writes places as JSON pointers', () =>
    expect(pointerOf(['a/b', '~', '0'])).toBe('/a~1b/~0/0'));

  it('knows where its secrets are, in lists too', () => {
    const a = { $secret: { ref: 'env:A' } };
    const whole = { x: [{ key: a }], y: { z: a }, plain: 'env:B' };
    expect(secretsIn(whole).map(({ path }) => pointerOf(path))).toEqual(['/x/0/key', '/y/z']);
    expect(secretReferences(whole)).toEqual(['env:A']);
    expect([isBranch(whole), isBranch(a), isBranch([]), isBranch(null)]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  it('shows references, and of kept values no more than their key', () => {
    const kept = { $secret: { data_key: 'd-1', ciphertext: 'c' } };
    const ref = { $secret: { ref: 'env:A' } };
    expect(masked({ a: [kept, ref], b: 1 }, () => 'k-1')).toEqual({
      a: [{ $secret: '***', key_id: 'k-1' }, ref],
      b: 1,
    });
  });

  it('is the same with each secret put in its own place', () =>
    fc.assert(
      fc.property(document, (one) =>
        same(
          withSecrets(one, ($secret) => ({ $secret })),
          one,
        ),
      ),
    ));
});
