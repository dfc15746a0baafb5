import { CONSECUTIVE_POLICY } from './breaker-policy';
import { CallMeter } from './call-meter';
import { CallTally } from './call-tally';
import { CircuitBreaker } from './circuit-breaker';

const MINUTE = 60_000;

/** A breaker that never opens, and what is read of it into a tally. */
function metered(tally: CallTally) {
  const breaker = new CircuitBreaker(
    { ...CONSECUTIVE_POLICY, trips: [{ kind: 'consecutive', failures: 1_000 }] },
    () => 0.5,
  );
  const meter = new CallMeter(breaker);
  return {
    call: (isGood: boolean, nowMs: number) => breaker.came(breaker.take(nowMs), isGood, nowMs),
    read: (nowMs: number) => tally.add(meter.take(), nowMs),
  };
}

describe('a tally of calls', () => {
  it('counts by the minute, and forgets what was taken', () => {
    const tally = new CallTally();
    const { call, read } = metered(tally);
    call(true, 1_000);
    call(false, 2_000);
    read(2_500);
    tally.keptAway(3_000);
    call(false, MINUTE);
    read(MINUTE);
    expect(tally.take(1)).toEqual([
      { fromMs: 0, lastsMs: MINUTE, calls: 2, failures: 1, slow: 0, refused: 1, failuresInARow: 1 },
    ]);
    expect(tally.take(9)).toMatchObject([{ fromMs: MINUTE, calls: 1, failures: 1 }]);
    expect(tally.isEmpty).toBe(true);
  });

  it('knows the longest row of failures of a minute, however often it is read', () => {
    const tally = new CallTally();
    const { call, read } = metered(tally);
    for (const isGood of [true, false, false, false, true, false, false]) {
      call(isGood, 1_000);
      read(1_000);
    }
    expect(tally.take(1)).toMatchObject([{ calls: 7, failures: 5, failuresInARow: 3 }]);
    for (const isGood of [true, false, false]) call(isGood, 1_000);
    for (const isGood of [false, false, true, false]) call(isGood, 1_500);
    read(2_000);
    expect(tally.take(1)).toMatchObject([{ calls: 7, failures: 5, failuresInARow: 4 }]);
  });

  it('gives a minute no longer row than it has failures', () => {
    const tally = new CallTally();
    const { call, read } = metered(tally);
    for (let one = 0; one < 5; one++) call(false, 1_000);
    read(1_000);
    call(false, MINUTE);
    read(MINUTE);
    expect(tally.take(9)).toMatchObject([{ failuresInARow: 5 }, { failuresInARow: 1 }]);
  });

  it('has nothing for a time in which nobody called', () => {
    const tally = new CallTally();
    const { call, read } = metered(tally);
    call(false, 1_000);
    read(1_000);
    read(5 * MINUTE);
    expect(tally.take(9)).toHaveLength(1);
  });

  it('merges the oldest when nobody takes them, and loses no number', () => {
    const tally = new CallTally(MINUTE, 3);
    const { call, read } = metered(tally);
    for (let minute = 0; minute < 100; minute++) {
      call(minute % 2 === 0, minute * MINUTE);
      read(minute * MINUTE);
    }
    const kept = tally.take(99);
    expect(kept).toHaveLength(3);
    expect(kept[0]).toMatchObject({ fromMs: 0, lastsMs: 98 * MINUTE, calls: 98, failures: 49 });
    expect(kept.reduce((sum, { calls }) => sum + calls, 0)).toBe(100);
  });

  it('adds to the newest when the clock is set back', () => {
    const tally = new CallTally();
    const { call, read } = metered(tally);
    call(true, 1);
    read(5 * MINUTE);
    call(true, 2);
    read(MINUTE);
    expect(tally.take(9)).toMatchObject([{ fromMs: 5 * MINUTE, calls: 2 }]);
  });
});
