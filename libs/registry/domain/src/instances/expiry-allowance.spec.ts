import fc from 'fast-check';
import { expiryAllowance } from './expiry-allowance';

it.each([
  [1, 0, 0.5, 1],
  [10, 0, 0.5, 5],
  [10, 4, 0.5, 1],
  [10, 5, 0.5, 0],
  [3, 1, 0.1, 0],
  [4, 0, 1, 4],
])('of %i registered, %i of them given up, at most a share of %f: %i', (all, gone, share, left) =>
  expect(expiryAllowance(all, gone, share)).toBe(left),
);

it('lets go no more than the share in one window, but one', () =>
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 500 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (all, share) => {
        let gone = 0;
        while (expiryAllowance(all, gone, share) > 0) gone++;
        expect(gone).toBeLessThanOrEqual(Math.max(1, all * share));
        expect(gone).toBeGreaterThanOrEqual(1);
      },
    ),
  ));
