import * as fc from 'fast-check';
import { TimerWheel, WheelEntry } from './timer-wheel';

class Entry extends WheelEntry {
  expiredAtMs: number | undefined;

  constructor(
    private readonly clock: () => number,
    private readonly and: () => void = () => undefined,
  ) {
    super();
  }

  expire(): void {
    if (this.expiredAtMs !== undefined) throw new Error('expired twice');
    this.expiredAtMs = this.clock();
    this.and();
  }
}

describe('a timer wheel', () => {
  it.each([NaN, Infinity, -Infinity])(
    'refuses what is due at %d, and keeps the others',
    (dueMs) => {
      let now = 0;
      const wheel = new TimerWheel(10);
      const [sound, odd] = [new Entry(() => now), new Entry(() => now)];
      wheel.add(sound, 15);
      expect(() => wheel.add(odd, dueMs)).toThrow(RangeError);
      now = 30;
      wheel.advance(now);
      expect([sound.expiredAtMs, odd.expiredAtMs, wheel.size]).toEqual([30, undefined, 0]);
    },
  );

  it('lets expire what is due, never early, and nothing that was removed', () => {
    const waits = fc.array(
      fc.record({ ms: fc.oneof(fc.nat(20_000), fc.nat(60)), isRemoved: fc.boolean() }),
      {
        maxLength: 60,
      },
    );
    const steps = fc.array(
      fc.oneof(fc.integer({ min: 1, max: 9_000 }), fc.integer({ min: 1, max: 9 })),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(waits, steps, fc.nat(1_000_000), (all, pausesMs, beginMs) => {
        let now = beginMs;
        const wheel = new TimerWheel(10);
        const entries = all.map(({ ms, isRemoved }) => {
          const entry = new Entry(() => now);
          wheel.add(entry, now + ms);
          return { entry, dueMs: now + ms, isRemoved };
        });
        for (const { entry, isRemoved } of entries) if (isRemoved) wheel.remove(entry);
        for (const pauseMs of [...pausesMs, 30_000]) {
          const before = now;
          now += pauseMs;
          wheel.advance(now);
          for (const { entry, dueMs, isRemoved } of entries) {
            const isDue = !isRemoved && dueMs <= now - 10;
            if (isDue) expect(entry.expiredAtMs).toBeGreaterThanOrEqual(dueMs);
            if (isRemoved || dueMs > now) expect(entry.expiredAtMs).toBeUndefined();
            if (entry.expiredAtMs === now) expect(dueMs).toBeGreaterThan(before - 20);
          }
        }
        expect(wheel.size).toBe(0);
      }),
    );
  });

  it('does not let expire what another one removed as it expired', () => {
    const wheel = new TimerWheel(10);
    const second: Entry = new Entry(() => 1);
    const first = new Entry(
      () => 1,
      () => wheel.remove(second),
    );
    wheel.add(first, 5);
    wheel.add(second, 5);
    wheel.advance(100);
    expect([first.expiredAtMs, second.expiredAtMs, wheel.size]).toEqual([1, undefined, 0]);
  });

  it('lets the others expire when one breaks, and then says so', () => {
    const wheel = new TimerWheel(10);
    const entries = [0, 1, 2].map(
      (number) =>
        new Entry(
          () => 1,
          () => {
            if (number === 1) throw new TypeError('broken');
          },
        ),
    );
    for (const entry of entries) wheel.add(entry, 5);
    expect(() => wheel.advance(100)).toThrow('broken');
    expect(entries.map(({ expiredAtMs }) => expiredAtMs)).toEqual([1, 1, 1]);
    expect(wheel.size).toBe(0);
  });

  it('forgets nobody who is removed and added again before he was sorted in', () => {
    const acts = fc.array(fc.record({ who: fc.nat(9), isAdded: fc.boolean() }), { maxLength: 300 });
    fc.assert(
      fc.property(acts, (all) => {
        const wheel = new TimerWheel(10);
        const entries = Array.from({ length: 10 }, () => new Entry(() => 1));
        const waiting = new Set<Entry>();
        for (const { who, isAdded } of all) {
          const entry = entries[who];
          if (!entry || waiting.has(entry) === isAdded) continue;
          if (isAdded) {
            wheel.add(entry, 5);
            waiting.add(entry);
          } else {
            wheel.remove(entry);
            waiting.delete(entry);
          }
          expect(wheel.size).toBe(waiting.size);
        }
        wheel.advance(100);
        for (const entry of entries)
          expect(entry.expiredAtMs).toBe(waiting.has(entry) ? 1 : undefined);
        expect(wheel.size).toBe(0);
      }),
    );
  });

  it('keeps all that wait, however many were added lately', () => {
    const wheel = new TimerWheel(10);
    const entries = Array.from({ length: 1_000 }, () => new Entry(() => 1));
    for (const [index, entry] of entries.entries()) {
      wheel.add(entry, 5);
      if (index % 3 === 0) wheel.remove(entry);
    }
    wheel.advance(100);
    const expired = entries.filter(({ expiredAtMs }) => expiredAtMs !== undefined);
    expect([expired.length, wheel.size]).toEqual([666, 0]);
  });

  it('takes what is added again after it expired', () => {
    const wheel = new TimerWheel(10);
    let times = 0;
    const entry: WheelEntry = new (class extends WheelEntry {
      expire(): void {
        if (++times < 3) wheel.add(this, 0);
      }
    })();
    wheel.add(entry, 0);
    for (let now = 10; now <= 100; now += 10) wheel.advance(now);
    expect([times, wheel.size]).toEqual([3, 0]);
  });
});
