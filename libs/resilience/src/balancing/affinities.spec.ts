import * as fc from 'fast-check';
import { Affinities } from './affinities';

describe('affinities', () => {
  it('hold no more than their bound, and always the latest half of it', () => {
    const uses = fc.array(fc.nat(30), { maxLength: 300, size: 'max' });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 20 }), uses, (max, all) => {
        const affinities = new Affinities<number>(max);
        const latest: number[] = [];
        for (const use of all) {
          const known = affinities.get(`${use}`);
          if (latest.slice(0, Math.floor(max / 2)).includes(use)) expect(known).toBe(use);
          if (known === undefined) affinities.set(`${use}`, use);
          const index = latest.indexOf(use);
          if (index >= 0) latest.splice(index, 1);
          latest.unshift(use);
          expect(affinities.size).toBeLessThanOrEqual(max);
        }
      }),
    );
  });
});
