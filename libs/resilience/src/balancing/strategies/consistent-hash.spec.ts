import * as fc from 'fast-check';
import { Endpoint } from '../endpoint';
import { Group } from '../group';
import { hashOf } from '../hash';
import { groupOf, weighted } from '../testing/endpoints';
import { seededChance } from '../testing/seeded-chance';
import { ConsistentHash } from './consistent-hash';

const unbounded = new ConsistentHash(Infinity, () => 0);
const keys = Array.from({ length: 2_000 }, (_, index) => hashOf(`key-${index}`));
const placesIn = (group: Group<Endpoint>): string[] =>
  keys.map((key) => unbounded.choose(group, 0, key).endpoint.id);

const weights = fc.array(fc.integer({ min: 1, max: 9 }), {
  minLength: 2,
  maxLength: 12,
  size: 'max',
});

describe('a consistent hash', () => {
  it('gives each endpoint its share of the keys within the error of the sample', () => {
    fc.assert(
      fc.property(weights, (all) => {
        const places = placesIn(groupOf(weighted(all)));
        const total = all.reduce((sum, weight) => sum + weight, 0);
        all.forEach((weight, index) => {
          const share = weight / total;
          const count = places.filter((place) => place === `e${index}`).length;
          const deviation = Math.sqrt(keys.length * share * (1 - share));
          expect(Math.abs(count - keys.length * share)).toBeLessThanOrEqual(6 * deviation);
        });
      }),
      { numRuns: 30 },
    );
  });

  it('moves only the keys of an endpoint that leaves, and spreads them over all others', () => {
    fc.assert(
      fc.property(weights, fc.nat(11), (all, nth) => {
        const everybody = groupOf(weighted(all));
        const leaver = `e${nth % all.length}`;
        const left = everybody.without([leaver]);
        if (!left) return;
        const before = placesIn(everybody);
        const after = placesIn(left);
        const strays = before.filter((place, at) => place !== leaver && after[at] !== place);
        expect(strays).toEqual([]);
        const moved = after.filter((_, index) => before[index] === leaver);
        for (const { member, weight } of left.seats) {
          const share = weight / left.weight;
          const count = moved.filter((place) => place === member.endpoint.id).length;
          const deviation = Math.sqrt(moved.length * share * (1 - share));
          expect(Math.abs(count - moved.length * share)).toBeLessThanOrEqual(6 * deviation + 1);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('does not depend on the order of the list', () => {
    fc.assert(
      fc.property(weights, (all) => {
        const listed = weighted(all);
        expect(placesIn(groupOf([...listed].reverse()))).toEqual(placesIn(groupOf(listed)));
      }),
      { numRuns: 20 },
    );
  });

  it('never places a call above the bound', () => {
    const bounds = fc.double({ min: 1.01, max: 3, noNaN: true });
    const calls = fc.array(fc.record({ key: fc.nat(20), isEnding: fc.boolean() }), {
      maxLength: 300,
      size: 'max',
    });
    fc.assert(
      fc.property(weights, bounds, calls, (all, bound, steps) => {
        const group = groupOf(weighted(all));
        const strategy = new ConsistentHash(bound, seededChance(1));
        const total = all.reduce((sum, weight) => sum + weight, 0);
        let excess = 0;
        const underWay = () => group.seats.reduce((sum, seat) => sum + seat.member.underWay, 0);
        for (const { key, isEnding } of steps) {
          if (isEnding) {
            const busy = group.seats.find(({ member }) => member.underWay > 0);
            if (busy) busy.member.underWay--;
            continue;
          }
          const member = strategy.choose(group, 0, hashOf(`key-${key}`));
          member.underWay++;
          const average = (underWay() * member.endpoint.weight) / total;
          excess = Math.max(excess, member.underWay - Math.ceil(bound * average));
        }
        expect(excess).toBe(0);
      }),
    );
  });

  it('sends a key back home as soon as there is room', () => {
    const group = groupOf(weighted([1, 1, 1]));
    const strategy = new ConsistentHash(1.25, seededChance(1));
    const home = strategy.choose(group, 0, 7);
    home.underWay = 2;
    expect(strategy.choose(group, 0, 7)).not.toBe(home);
    home.underWay = 0;
    expect(strategy.choose(group, 0, 7)).toBe(home);
  });

  it('places a call without a key anywhere', () => {
    const group = groupOf(weighted([1, 1, 1]));
    const strategy = new ConsistentHash(Infinity, seededChance(3));
    const places = Array.from({ length: 100 }, () => strategy.choose(group, 0).endpoint.id);
    expect(new Set(places).size).toBe(3);
  });
});
