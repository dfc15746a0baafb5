import * as fc from 'fast-check';
import { groupOf, weighted } from '../testing/endpoints';
import { LeastConnections } from './least-connections';

describe('least connections', () => {
  it('goes round while nobody is busy', () => {
    const group = groupOf(weighted([1, 1, 1]));
    const strategy = new LeastConnections();
    const taken = Array.from({ length: 4 }, () => strategy.choose(group).endpoint.id);
    expect(taken).toEqual(['e0', 'e1', 'e2', 'e0']);
  });

  it('leaves nobody a call below its share of what is under way', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 9 }), {
      minLength: 1,
      maxLength: 12,
      size: 'max',
    });
    fc.assert(
      fc.property(weights, fc.nat(300), (all, calls) => {
        const group = groupOf(weighted(all));
        const strategy = new LeastConnections();
        for (let call = 0; call < calls; call++) strategy.choose(group).underWay++;
        const total = all.reduce((sum, weight) => sum + weight, 0);
        group.seats.forEach(({ member, weight }) =>
          expect(member.underWay).toBeGreaterThanOrEqual(Math.floor((calls * weight) / total)),
        );
      }),
    );
  });

  it('is level again however calls end', () => {
    const group = groupOf(weighted([1, 1, 1]));
    const strategy = new LeastConnections();
    for (let call = 0; call < 30; call++) strategy.choose(group).underWay++;
    group.seat(1).member.underWay = 0;
    for (let call = 0; call < 10; call++)
      expect(strategy.choose(group).underWay++).toBeLessThan(10);
    expect(group.seats.map(({ member }) => member.underWay)).toEqual([10, 10, 10]);
  });
});
