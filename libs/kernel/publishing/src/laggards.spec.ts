import { Laggards } from './laggards';

describe('laggards', () => {
  const at = (number: number, consumer = 'saga') => [{ consumer, number }];
  let laggards: Laggards;
  beforeEach(() => (laggards = new Laggards(10)));

  it('are not those who confirmed all that was due', () => {
    expect(laggards.look(at(5), 5, 0)).toBeUndefined();
    expect(laggards.look(at(5), 5, 1_000)).toBeUndefined();
  });

  it('are those who stand still longer than patience lasts', () => {
    expect([0, 9, 10].map((now) => laggards.look(at(3), 5, now))).toEqual([
      undefined,
      undefined,
      3,
    ]);
  });

  it('are not those who are slow', () => {
    expect([0, 20, 40].map((now, n) => laggards.look(at(n), 50, now))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('are looked after less and less often, and anew once they moved', () => {
    const found: number[] = [];
    for (let now = 0; now <= 150; now++)
      if (laggards.look(at(3), 5, now) !== undefined) found.push(now);
    expect(found).toEqual([10, 30, 70, 150]);
    expect([160, 169, 170].map((now) => laggards.look(at(4), 5, now))).toEqual([
      undefined,
      undefined,
      4,
    ]);
  });

  it('are not asked less often than every ten minutes', () => {
    for (let tries = 0, now = 0; tries < 30; now += 600_000) {
      if (laggards.look(at(3), 5, now) !== undefined) tries++;
      expect(now).toBeLessThan(600_000 * 40);
    }
  });

  it('do not hide one another', () => {
    const both = [...at(3, 'gone'), ...at(4)];
    laggards.look(at(3, 'gone'), 5, 0);
    expect(laggards.look(both, 5, 10)).toBe(3);
    expect(laggards.look(both, 5, 20)).toBe(4);
  });
});
