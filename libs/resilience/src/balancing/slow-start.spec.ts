import { rampAt } from './slow-start';

describe('slow start', () => {
  it('lets the weight grow evenly from its least share to all of it', () => {
    const even = { windowMs: 1_000, aggression: 1, shareMin: 0.1 };
    expect([-5, 0, 50, 100, 500, 1_000, 5_000].map((ageMs) => rampAt(even, ageMs))).toEqual([
      0.1, 0.1, 0.1, 0.1, 0.5, 1, 1,
    ]);
  });

  it('lets it grow faster at first if told so', () => {
    expect(rampAt({ windowMs: 1_000, aggression: 2, shareMin: 0.1 }, 250)).toBe(0.5);
  });
});
