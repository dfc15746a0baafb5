import * as fc from 'fast-check';
import { Deadline } from './deadline';

describe('a deadline', () => {
  it('travels as what is left of it', () => {
    const text = Deadline.after(1_500.7, 100).headerText(350);
    expect(text).toBe('1250');
    expect(Deadline.read(text, 9_000)?.atMs).toBe(10_250);
  });

  it('that is none is not told', () => expect(Deadline.never.headerText(0)).toBeUndefined());

  it.each(['', '-1', '1.5', '1e3', ' 5', '12345678901', 'soon', '0x10'])(
    'is not read from %j',
    (text) => expect(Deadline.read(text, 0)).toBeUndefined(),
  );

  it('is a number', () => {
    expect(() => Deadline.after(Number.NaN, 0)).toThrow(RangeError);
    expect(() => Deadline.at(Number.NaN)).toThrow(RangeError);
  });

  it('is the earlier of two', () => {
    const [soon, late] = [Deadline.after(5, 0), Deadline.after(9, 0)];
    expect([soon.earlier(late), late.earlier(soon), Deadline.never.earlier(late)]).toEqual([
      soon,
      soon,
      late,
    ]);
  });

  it('that has passed suffices for nothing', () => {
    const past = Deadline.after(5, 0);
    expect([past.leftMs(9), past.suffices(0, 9), past.headerText(9)]).toEqual([0, false, '0']);
  });

  it('never gains time, over however many hops', () => {
    const hop = fc.record({
      spentMs: fc.double({ min: 0, max: 500, noNaN: true }),
      clock: fc.nat(),
    });
    fc.assert(
      fc.property(fc.nat(10_000), fc.array(hop), (ms, hops) => {
        let [deadline, now, spent] = [Deadline.after(ms, 0), 0, 0];
        for (const { spentMs, clock } of hops) {
          now += spentMs;
          spent += spentMs;
          deadline = Deadline.read(deadline.headerText(now), clock) ?? Deadline.never;
          now = clock;
          expect(deadline.leftMs(now)).toBeLessThanOrEqual(Math.max(0, ms - spent) + 1e-6);
        }
      }),
    );
  });
});
