import type { Json } from '@downbeat/eventsourcing';
import { diffOf } from './text-diff';

const none = { added: [], removed: [], changed: [], is_cut: false };

describe('what differs between two texts', () => {
  it.each<[string, Json, Json, Partial<typeof none> | object]>([
    ['nothing', { a: [1, { b: null }] }, { a: [1, { b: null }] }, {}],
    ['a value', { a: { b: 1 } }, { a: { b: 2 } }, { changed: ['/a/b'] }],
    ['a type', { a: '1' }, { a: 1 }, { changed: ['/a'] }],
    ['a list instead of an object', { a: {} }, { a: [] }, { changed: ['/a'] }],
    ['a key', { a: 1 }, { b: 1 }, { removed: ['/a'], added: ['/b'] }],
    ['a place in a list', [1, 2], [1, 2, 3], { added: ['/2'] }],
    ['all of it', 'text', { a: 1 }, { changed: [''] }],
    ['keys that pointers write otherwise', {}, { 'a/b': 1, '~': 2 }, { added: ['/a~1b', '/~0'] }],
    ['null instead of nothing', {}, { a: null }, { added: ['/a'] }],
    ['a key that objects inherit', {}, { toString: 1 }, { added: ['/toString'] }],
  ])('is %s', (_, before, after, differs) => {
    expect(diffOf(before, after)).toEqual({ ...none, ...differs });
  });

  it('is bounded, and says so', () => {
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`k${n}`, n]));
    const { added, is_cut } = diffOf({}, many);
    expect(added).toHaveLength(200);
    expect(is_cut).toBe(true);
  });
});
