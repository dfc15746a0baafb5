import * as fc from 'fast-check';
import { tierLoads } from './tier-loads';

type Counts = readonly [eligible: number, listed: number];

const of = (...tiers: readonly Counts[]) =>
  tierLoads(
    tiers.map(([eligible, listed]) => ({ eligible, listed })),
    0.7,
    0.5,
  );
const loads = (...tiers: readonly Counts[]) => of(...tiers).map(({ load }) => load);
const panics = (...tiers: readonly Counts[]) => of(...tiers).map((tier) => tier.isPanicking);

describe('the loads of tiers', () => {
  it('are all on the first while enough of it is eligible', () => {
    expect(loads([7, 10], [10, 10])).toEqual([1, 0]);
  });

  it('spill over in proportion below that', () => {
    const [first, second, third] = loads([35, 100], [10, 10], [10, 10]);
    expect(first).toBeCloseTo(0.5);
    expect(second).toBeCloseTo(0.5);
    expect(third).toBe(0);
  });

  it('are shared out when nobody has enough, and those nearly gone use all', () => {
    const [first, second] = loads([14, 100], [21, 100]);
    expect(first).toBeCloseTo(0.4);
    expect(second).toBeCloseTo(0.6);
    expect(panics([14, 100], [55, 100])).toEqual([true, false]);
    expect(panics([14, 100], [70, 100])).toEqual([false, false]);
  });

  it('follow the number of endpoints when nobody is eligible', () => {
    expect(loads([0, 3], [0, 1])).toEqual([0.75, 0.25]);
    expect(panics([0, 3], [0, 1])).toEqual([true, true]);
  });

  it('are nothing where nobody is listed, or all are lost and panic is off', () => {
    expect(loads([0, 0])).toEqual([0]);
    expect(tierLoads([{ eligible: 0, listed: 3 }], 0.7, 0)).toEqual([
      { load: 0, isPanicking: false },
    ]);
  });

  it('add up to all calls, and are only where somebody can take them', () => {
    const tier = fc
      .record({ listed: fc.nat(20), share: fc.double({ min: 0, max: 1, noNaN: true }) })
      .map(({ listed, share }) => ({ listed, eligible: Math.round(listed * share) }));
    const shares = fc.double({ min: 0.01, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(tier, { maxLength: 5, size: 'max' }),
        shares,
        shares,
        (tiers, spill, panic) => {
          const all = tierLoads(tiers, spill, panic);
          const sum = all.reduce((total, { load }) => total + load, 0);
          if (tiers.some(({ listed }) => listed > 0)) expect(sum).toBeCloseTo(1);
          else expect(sum).toBe(0);
          all.forEach(({ load, isPanicking }, index) => {
            const { listed, eligible } = tiers[index] ?? { listed: 0, eligible: 0 };
            if (load > 0) expect(isPanicking ? listed : eligible).toBeGreaterThan(0);
          });
        },
      ),
    );
  });
});
