import * as fc from 'fast-check';
import { keptAfter } from './decay';

describe('what is left after a time', () => {
  it('is what the exponential says, to a millionth', () => {
    const times = fc.oneof(
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      fc.double({ min: 0, max: 300, noNaN: true }),
    );
    fc.assert(
      fc.property(times, (ms) => {
        expect(Math.abs(keptAfter(ms, 10_000) - Math.exp(-ms / 10_000))).toBeLessThan(1e-6);
      }),
    );
  });

  it('never grows', () => {
    const times = fc.double({ min: 0, max: 300, noNaN: true });
    fc.assert(
      fc.property(times, times, (one, other) => {
        const [early, late] = one < other ? [one, other] : [other, one];
        expect(keptAfter(late, 10_000)).toBeLessThanOrEqual(keptAfter(early, 10_000));
      }),
    );
  });

  it('is all when the clock was set back', () => expect(keptAfter(-5, 1)).toBe(1));
});
