import fc from 'fast-check';
import { ownerOf } from './rendezvous';

const name = fc.string({ minLength: 1, maxLength: 40 });
const members = fc.uniqueArray(name, { minLength: 1, maxLength: 12 });
const keys = fc.array(name, { minLength: 1, maxLength: 100 });

describe('rendezvous hashing', () => {
  it('gives every key to one of the members, and none when there is none', () => {
    fc.assert(
      fc.property(members, keys, (all, some) => {
        for (const key of some) expect(all).toContain(ownerOf(key, all));
      }),
    );
    expect(ownerOf('a', [])).toBeUndefined();
  });

  it('does not depend on the order in which the members are known', () =>
    fc.assert(
      fc.property(members, keys, (all, some) => {
        for (const key of some)
          expect(ownerOf(key, all.toReversed())).toBe(ownerOf(key, all.toSorted()));
      }),
    ));

  it('moves the keys of a member that is gone, and no other', () =>
    fc.assert(
      fc.property(members, keys, fc.nat(), (all, some, index) => {
        const gone = all[index % all.length];
        const left = all.filter((member) => member !== gone);
        for (const key of some) {
          const owner = ownerOf(key, all);
          if (owner !== gone) expect(ownerOf(key, left)).toBe(owner);
        }
      }),
    ));

  it('moves to a new member, and nowhere else', () =>
    fc.assert(
      fc.property(members, keys, name, (all, some, added) => {
        fc.pre(!all.includes(added));
        for (const key of some)
          expect([ownerOf(key, all), added]).toContain(ownerOf(key, [...all, added]));
      }),
    ));

  it.each([2, 3, 5, 8])('shares evenly among %i', (count) => {
    const all = Array.from({ length: count }, (_, n) => `018f3c1e-0000-7000-8000-00000000000${n}`);
    const owned = new Map<string | undefined, number>();
    for (let n = 0; n < 1_000 * count; n++) {
      const owner = ownerOf(`billing-${n}`, all);
      owned.set(owner, (owned.get(owner) ?? 0) + 1);
    }
    for (const member of all) expect(Math.abs((owned.get(member) ?? 0) - 1_000)).toBeLessThan(150);
  });

  it('shares what a gone member had among all who are left', () => {
    const all = ['a', 'b', 'c', 'd'];
    const moved = new Set<string | undefined>();
    for (let n = 0; n < 200; n++)
      if (ownerOf(`key-${n}`, all) === 'a') moved.add(ownerOf(`key-${n}`, ['b', 'c', 'd']));
    expect([...moved].sort()).toEqual(['b', 'c', 'd']);
  });
});
