import * as fc from 'fast-check';
import { Endpoint } from '../endpoint';
import { Group } from '../group';
import { endpoint, groupOf, weighted } from '../testing/endpoints';
import { RoundRobin, WeightedRoundRobin } from './round-robin';
import { Strategy } from './strategy';

const turns = (group: Group<Endpoint>, strategy: Strategy, picks: number): string[] =>
  Array.from({ length: picks }, () => strategy.choose(group, 0, undefined).endpoint.id);
const countOf = (ids: readonly string[], id: string): number =>
  ids.filter((one) => one === id).length;
const names = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `e${index}`);

describe('round robin', () => {
  it('never gives one endpoint two turns more than another, whatever their weights', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 9 }), {
      minLength: 1,
      maxLength: 20,
      size: 'max',
    });
    fc.assert(
      fc.property(weights, fc.nat(200), (all, picks) => {
        const taken = turns(groupOf(weighted(all)), new RoundRobin(), picks);
        const counts = names(all.length).map((id) => countOf(taken, id));
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('goes on with the next one when somebody leaves', () => {
    const all = groupOf(weighted([1, 1, 1, 1]));
    expect(turns(all, new RoundRobin(), 2)).toEqual(['e0', 'e1']);
    const left = all.without(['e0']);
    left?.goOnFrom(all);
    expect(left && turns(left, new RoundRobin(), 3)).toEqual(['e2', 'e3', 'e1']);
  });

  it('passes over one that is starting, in proportion', () => {
    const [cold, warm] = groupOf([endpoint('cold'), endpoint('warm', { weight: 3 })]).seats;
    if (!cold || !warm) throw new RangeError('two seats');
    const group = new Group([{ ...cold, ramp: 0.25 }, warm]);
    expect(countOf(turns(group, new RoundRobin(), 100), 'cold')).toBe(20);
  });
});

describe('weighted round robin', () => {
  it('spreads the turns of a heavy endpoint', () => {
    const taken = turns(groupOf(weighted([5, 1, 1])), new WeightedRoundRobin(), 7);
    expect(taken.join(' ')).toBe('e0 e0 e1 e0 e2 e0 e0');
  });

  it('meets the weights exactly in every round, and is never a turn ahead within one', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 9 }), {
      minLength: 2,
      maxLength: 12,
      size: 'max',
    });
    fc.assert(
      fc.property(weights, (all) => {
        const total = all.reduce((sum, weight) => sum + weight, 0);
        const taken = turns(groupOf(weighted(all)), new WeightedRoundRobin(), 2 * total);
        all.forEach((weight, index) => {
          let count = 0;
          let ahead = 0;
          let behind = 0;
          taken.forEach((id, pick) => {
            if (id === `e${index}`) count++;
            const share = ((pick + 1) * weight) / total;
            ahead = Math.max(ahead, count - share);
            behind = Math.max(behind, share - count);
          });
          expect(ahead).toBeLessThan(1);
          expect(behind).toBeLessThan(all.length - 1 + 1e-9);
          expect(count).toBe(2 * weight);
        });
      }),
    );
  });

  it('gives everybody its share after any coming and going, not what others were owed', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 9 }), {
      minLength: 3,
      maxLength: 8,
      size: 'max',
    });
    const scales = fc.constantFrom(1, 1_000);
    const absences = fc.array(fc.record({ nth: fc.nat(7), picks: fc.nat(50), scale: scales }), {
      maxLength: 30,
      size: 'max',
    });
    fc.assert(
      fc.property(weights, absences, (all, history) => {
        const strategy = new WeightedRoundRobin();
        const everybody = groupOf(weighted(all));
        for (const { nth, picks, scale } of history) {
          // Everybody may come back with a weight of another size.
          for (const { member, declared } of everybody.seats)
            member.endpoint = { ...member.endpoint, weight: declared * scale };
          const left = everybody.without([`e${nth % all.length}`]) ?? everybody;
          turns(left, strategy, picks);
        }
        const taken = turns(everybody, strategy, everybody.weight);
        all.forEach((weight, index) =>
          expect(Math.abs(countOf(taken, `e${index}`) - weight)).toBeLessThanOrEqual(2),
        );
      }),
    );
  });
});
