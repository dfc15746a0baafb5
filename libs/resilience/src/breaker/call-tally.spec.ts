import { CallTally } from './call-tally';

const MINUTE = 60_000;

describe('a tally of calls', () => {
  it('counts by the minute, and forgets what was taken', () => {
    const tally = new CallTally();
    tally.came(true, false, 1_000);
    tally.came(false, true, 2_000);
    tally.keptAway(3_000);
    tally.came(false, false, MINUTE);
    expect(tally.take(1)).toEqual([
      { fromMs: 0, lastsMs: MINUTE, calls: 2, failures: 1, slow: 1, refused: 1, failuresInARow: 1 },
    ]);
    expect(tally.take(9)).toMatchObject([{ fromMs: MINUTE, calls: 1, failures: 1 }]);
    expect(tally.isEmpty).toBe(true);
  });

  it('knows the longest row of failures of a minute', () => {
    const tally = new CallTally();
    for (const isGood of [false, false, false, true, false, false])
      tally.came(isGood, false, 1_000);
    expect(tally.take(1)).toMatchObject([{ failures: 5, failuresInARow: 3 }]);
  });

  it('merges the oldest when nobody takes them, and loses no number', () => {
    const tally = new CallTally(MINUTE, 3);
    for (let minute = 0; minute < 100; minute++)
      tally.came(minute % 2 === 0, false, minute * MINUTE);
    const kept = tally.take(99);
    expect(kept).toHaveLength(3);
    expect(kept[0]).toMatchObject({ fromMs: 0, lastsMs: 98 * MINUTE, calls: 98, failures: 49 });
    expect(kept.reduce((sum, { calls }) => sum + calls, 0)).toBe(100);
  });

  it('adds to the newest when the clock is set back', () => {
    const tally = new CallTally();
    tally.came(true, false, 5 * MINUTE);
    tally.came(true, false, MINUTE);
    expect(tally.take(9)).toMatchObject([{ fromMs: 5 * MINUTE, calls: 2 }]);
  });
});
