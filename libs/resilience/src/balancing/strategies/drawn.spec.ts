import * as fc from 'fast-check';
import { Endpoint } from '../endpoint';
import { Group } from '../group';
import { groupOf, weighted } from '../testing/endpoints';
import { seededChance } from '../testing/seeded-chance';
import { adaptiveCost, peakEwmaCost } from './costs';
import { RandomChoice } from './random';
import { Strategy } from './strategy';
import { TwoChoices } from './two-choices';

const SAMPLE = 4_000;
/** A correct draw is so far from its mean once in a billion. */
const DEVIATIONS = 6;

const counts = (group: Group<Endpoint>, choose: () => string): Map<string, number> => {
  const all = new Map(group.seats.map(({ member }) => [member.endpoint.id, 0]));
  for (let pick = 0; pick < SAMPLE; pick++) {
    const id = choose();
    all.set(id, (all.get(id) ?? 0) + 1);
  }
  return all;
};
function expectShare(count: number, share: number): void {
  const deviation = Math.sqrt(SAMPLE * share * (1 - share));
  expect(Math.abs(count - SAMPLE * share)).toBeLessThanOrEqual(DEVIATIONS * deviation + 1);
}

const weights = fc.array(fc.integer({ min: 1, max: 9 }), {
  minLength: 2,
  maxLength: 10,
  size: 'max',
});
const seeds = fc.integer();

describe('a random choice', () => {
  it('meets the weights within the error of the sample', () => {
    fc.assert(
      fc.property(weights, seeds, (all, seed) => {
        const group = groupOf(weighted(all));
        const strategy = new RandomChoice(seededChance(seed));
        const taken = counts(group, () => strategy.choose(group).endpoint.id);
        const total = all.reduce((sum, weight) => sum + weight, 0);
        all.forEach((weight, index) => expectShare(taken.get(`e${index}`) ?? 0, weight / total));
      }),
      { numRuns: 50 },
    );
  });

  it('draws a second one by weight among the others, never the first', () => {
    fc.assert(
      fc.property(weights, fc.nat(9), seeds, (all, nth, seed) => {
        const group = groupOf(weighted(all));
        const taken = nth % all.length;
        const chance = seededChance(seed);
        const drawn = counts(
          group,
          () => group.seat(group.drawOther(taken, chance())).member.endpoint.id,
        );
        const own = all[taken] ?? 0;
        const rest = all.reduce((sum, weight) => sum + weight, 0) - own;
        expect(drawn.get(`e${taken}`)).toBe(0);
        all.forEach((weight, index) => {
          if (index !== taken) expectShare(drawn.get(`e${index}`) ?? 0, weight / rest);
        });
      }),
      { numRuns: 50 },
    );
  });
});

describe.each([
  ['peak EWMA', peakEwmaCost],
  ['the adaptive cost', adaptiveCost],
])('two choices by %s', (_, cost) => {
  const strategyFor = (seed: number): Strategy => new TwoChoices(cost, seededChance(seed));

  it('leaves out the dearest, and asks all others', () => {
    const group = groupOf(weighted([1, 1, 1, 1]));
    group.seats.forEach(({ member }, index) => member.latency.saw(10 * (index + 1), 0));
    const strategy = strategyFor(1);
    const taken = counts(group, () => strategy.choose(group, 0, undefined).endpoint.id);
    expect(taken.get('e3')).toBe(0);
    // The i-th cheapest of n is the cheaper of two in 2 (n - i) of n (n - 1) draws.
    expectShare(taken.get('e0') ?? 0, 1 / 2);
    expectShare(taken.get('e1') ?? 0, 1 / 3);
    expectShare(taken.get('e2') ?? 0, 1 / 6);
  });

  it('shares calls that do not end by weight', () => {
    fc.assert(
      fc.property(weights, seeds, (all, seed) => {
        const group = groupOf(weighted(all));
        for (const { member } of group.seats) member.latency.saw(20, 0);
        const strategy = strategyFor(seed);
        const taken = counts(group, () => {
          const member = strategy.choose(group, 0, undefined);
          member.underWay++;
          return member.endpoint.id;
        });
        const total = all.reduce((sum, weight) => sum + weight, 0);
        all.forEach((weight, index) => {
          // By chance alone it would be off by dozens.
          const share = (SAMPLE * weight) / total;
          expect(Math.abs((taken.get(`e${index}`) ?? 0) - share)).toBeLessThan(2 * weight + 5);
        });
      }),
      { numRuns: 50 },
    );
  });

  it('asks one it does not know once, and again when it has answered', () => {
    const group = groupOf(weighted([1, 1]));
    const [known, fresh] = [group.seat(0).member, group.seat(1).member];
    known.latency.saw(10, 0);
    const strategy = strategyFor(2);
    expect(strategy.choose(group, 0, undefined)).toBe(fresh);
    fresh.underWay++;
    for (let pick = 0; pick < 50; pick++) {
      expect(strategy.choose(group, 0, undefined)).toBe(known);
      known.underWay++;
    }
    fresh.ended('ok', 5, 0);
    expect(strategy.choose(group, 0, undefined)).toBe(fresh);
  });
});

describe('the adaptive cost', () => {
  const [good, bad] = groupOf(weighted([1, 1])).seats;
  if (!good || !bad) throw new RangeError('two seats');
  for (const { member } of [good, bad]) member.latency.saw(10, 0);

  it('counts a failing endpoint as slower, until that is long ago', () => {
    for (let call = 0; call < 20; call++) bad.member.success.saw(false, 0);
    expect(adaptiveCost(bad, 0)).toBeGreaterThan(4 * adaptiveCost(good, 0));
    const laterMs = 60_000;
    for (const { member } of [good, bad]) member.latency.saw(10, laterMs);
    expect(adaptiveCost(bad, laterMs)).toBeCloseTo(adaptiveCost(good, laterMs), 0);
  });

  it('would rather wait for a slower endpoint than in a long queue', () => {
    good.member.latency.saw(40, 60_000);
    bad.member.underWay = 1;
    expect(peakEwmaCost(bad, 60_000)).toBeLessThan(peakEwmaCost(good, 60_000));
    expect(adaptiveCost(bad, 60_000)).toBeGreaterThan(adaptiveCost(good, 60_000));
  });
});
