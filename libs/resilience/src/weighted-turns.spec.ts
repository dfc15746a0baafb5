import * as fc from 'fast-check';
import { WeightedTurns } from './weighted-turns';

const weights = { critical: 8, high: 4, normal: 2, low: 1 } as const;
type Class = keyof typeof weights;

const turns = (classes: readonly Class[], count: number): Record<Class, number> => {
  const taken: Record<Class, number> = { critical: 0, high: 0, normal: 0, low: 0 };
  const order = new WeightedTurns(weights);
  for (let turn = 0; turn < count; turn++) taken[order.next(classes)]++;
  return taken;
};

describe('turns by weight', () => {
  it('gives each its share, the lightest too', () => {
    expect(turns(['critical', 'high', 'normal', 'low'], 150)).toEqual({
      critical: 80,
      high: 40,
      normal: 20,
      low: 10,
    });
  });

  it('gives all of them to whoever is alone', () => {
    expect(turns(['low'], 3)).toMatchObject({ low: 3 });
  });

  it('refuses to choose among nobody', () => {
    expect(() => new WeightedTurns(weights).next([])).toThrow(RangeError);
  });

  it('is never off by more than one turn for each class', () => {
    const some = fc.subarray(Object.keys(weights) as Class[], { minLength: 1 });
    fc.assert(
      fc.property(some, fc.integer({ min: 1, max: 500 }), (classes, count) => {
        const total = classes.reduce((sum, one) => sum + weights[one], 0);
        const taken = turns(classes, count);
        for (const one of classes) {
          const fair = (count * weights[one]) / total;
          expect(Math.abs(taken[one] - fair)).toBeLessThan(classes.length);
        }
      }),
    );
  });
});
