import { Seeded } from './seeded';

const numbers = (seed: number) => {
  const chance = new Seeded(seed);
  return Array.from({ length: 100 }, () => chance.between(1, 6));
};

describe('chance from a seed', () => {
  it('is the same for the same seed', () => expect(numbers(7)).toEqual(numbers(7)));
  it('is another for another seed', () => expect(numbers(7)).not.toEqual(numbers(8)));
  it('reaches both ends and stays within', () =>
    expect([...new Set(numbers(7))].sort()).toEqual([1, 2, 3, 4, 5, 6]));
  it('keeps every item when it shuffles', () =>
    expect(new Seeded(7).shuffled([1, 2, 3, 4]).sort()).toEqual([1, 2, 3, 4]));
});
