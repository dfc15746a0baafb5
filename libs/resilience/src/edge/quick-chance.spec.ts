import { quickChance } from './quick-chance';

describe('a quick chance', () => {
  it('lies from 0 to below 1, evenly, and says nothing about the next one', () => {
    const chance = quickChance(7);
    const tenths = Array.from({ length: 10 }, () => 0);
    const pairs = Array.from({ length: 16 }, () => 0);
    const draws = 100_000;
    let before = chance();
    for (let one = 0; one < draws; one++) {
      const drawn = chance();
      if (drawn < 0 || drawn >= 1) throw new RangeError(String(drawn));
      const tenth = Math.floor(drawn * 10);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
      const pair = Math.floor(before * 4) * 4 + Math.floor(drawn * 4);
      pairs[pair] = (pairs[pair] ?? 0) + 1;
      before = drawn;
    }
    // Six standard deviations.
    for (const count of tenths) expect(Math.abs(count - draws / 10)).toBeLessThan(570);
    for (const count of pairs) expect(Math.abs(count - draws / 16)).toBeLessThan(460);
  });

  it('is another one for another seed', () => {
    const drawn = (seed: number) => Array.from({ length: 5 }, quickChance(seed));
    expect(drawn(1)).toEqual(drawn(1));
    expect(drawn(1)).not.toEqual(drawn(2));
  });
});
