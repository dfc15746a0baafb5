import * as fc from 'fast-check';
import { TokenBucket } from './token-bucket';

describe('a token bucket', () => {
  it('lets a burst go, then the rate', () => {
    const bucket = new TokenBucket(10, 2);
    expect(bucket.waitMs(0)).toBe(0);
    bucket.take(0);
    bucket.take(0);
    expect(bucket.waitMs(0)).toBe(100);
    expect(bucket.waitMs(60)).toBe(40);
    expect(bucket.waitMs(100)).toBe(0);
  });

  it('saves up no more than its burst', () => {
    const bucket = new TokenBucket(10, 2);
    bucket.take(0);
    for (let taken = 0; taken < 2; taken++) bucket.take(60_000);
    expect(bucket.waitMs(60_000)).toBe(100);
  });

  it('is not fooled by a clock that is set back', () => {
    const bucket = new TokenBucket(10, 1);
    bucket.take(10_000);
    expect(bucket.waitMs(5_000)).toBe(100);
    expect(bucket.waitMs(10_100)).toBe(0);
  });

  it('never lets more go than the rate and one burst', () => {
    const steps = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 50 }), (pausesMs, perSecond) => {
        const bucket = new TokenBucket(perSecond, 5);
        let now = 0;
        let gone = 0;
        for (const pauseMs of pausesMs) {
          now += pauseMs;
          while (bucket.waitMs(now) === 0) {
            bucket.take(now);
            gone++;
          }
          expect(gone).toBeLessThanOrEqual(5 + (now * perSecond) / 1_000 + 1e-6);
        }
      }),
    );
  });
});
