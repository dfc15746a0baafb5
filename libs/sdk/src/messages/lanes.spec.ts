import { PRIORITIES, PRIORITY_WEIGHTS, type Priority } from '@downbeat/resilience';
import * as fc from 'fast-check';
import { Lanes } from './lanes';

interface Item {
  readonly priority: Priority;
  readonly number: number;
}
const never = (): boolean => false;
const WEIGHTS = Object.values(PRIORITY_WEIGHTS).reduce((sum, weight) => sum + weight, 0);

/** Everything that is wanted always waits: each lane is filled up before every turn. */
function turns(wanted: readonly Priority[], count: number): readonly Priority[] {
  const lanes = new Lanes<Item>(1, () => 4, never);
  const taken: Priority[] = [];
  for (let number = 0; number < count; number++) {
    for (const priority of wanted)
      while (lanes.room(priority) > 0) lanes.add({ priority, number }, priority);
    const item = lanes.next();
    if (!item) continue;
    taken.push(item.priority);
    lanes.done(item);
  }
  return taken;
}
const share = (taken: readonly Priority[], priority: Priority): number =>
  taken.filter((one) => one === priority).length / taken.length;

describe('lanes', () => {
  it('give critical the most and low its share when all are full', () => {
    const taken = turns(PRIORITIES, 150);
    const shares = PRIORITIES.map((priority) => share(taken, priority) * WEIGHTS);
    expect(shares.map(Math.round)).toEqual([8, 4, 2, 1]);
  });

  it.each(PRIORITIES)('give %s all turns when it is alone', (priority) =>
    expect(new Set(turns([priority], 20))).toEqual(new Set([priority])),
  );

  it('let no more run than may', () => {
    const lanes = new Lanes<number>(2, () => 4, never);
    for (const item of [1, 2, 3]) lanes.add(item, 'normal');
    expect([lanes.next(), lanes.next(), lanes.next(), lanes.running]).toEqual([1, 2, undefined, 2]);
    lanes.done(1);
    expect([lanes.next(), lanes.waiting]).toEqual([3, 0]);
  });

  describe('of what comes again', () => {
    const isNegative = (item: number): boolean => item < 0;

    it('take no room, and half of the places at most', () => {
      const lanes = new Lanes<number>(4, () => 2, isNegative);
      for (const item of [-1, -2, -3, -4]) lanes.add(item, 'normal');
      expect([lanes.room('normal'), lanes.waiting]).toEqual([2, 4]);
      expect([lanes.next(), lanes.next(), lanes.next()]).toEqual([-1, -2, undefined]);
      for (const item of [1, 2, 3]) lanes.add(item, 'normal');
      expect([lanes.next(), lanes.next(), lanes.next()]).toEqual([1, 2, undefined]);
      lanes.done(1);
      expect(lanes.next()).toBe(3);
      lanes.done(-1);
      expect([lanes.next(), lanes.next(), lanes.clear()]).toEqual([-3, undefined, [-4]]);
    });

    it('have every other turn when there is one place only', () => {
      const lanes = new Lanes<number>(1, () => 9, isNegative);
      for (const item of [1, 2, -1, -2, 3, 4]) lanes.add(item, 'normal');
      const taken: number[] = [];
      for (let item = lanes.next(); item !== undefined; item = lanes.next()) {
        taken.push(item);
        lanes.done(item);
      }
      expect(taken).toEqual([-1, 1, -2, 2, 3, 4]);
    });

    it('count what began without having waited', () => {
      const lanes = new Lanes<number>(2, () => 9, isNegative);
      lanes.begin(-1);
      lanes.add(-2, 'normal');
      expect([lanes.hasPlaceForAgain, lanes.next(), lanes.running]).toEqual([false, undefined, 1]);
      lanes.done(-1);
      expect([lanes.hasPlaceForAgain, lanes.next()]).toEqual([true, -2]);
    });
  });

  it('keep the order within a priority, and hand out all that waits', () => {
    const lanes = new Lanes<string>(9, () => 4, never);
    lanes.add('low 1', 'low');
    lanes.add('low 2', 'low');
    lanes.add('critical', 'critical');
    expect([lanes.next(), lanes.room('low')]).toEqual(['critical', 2]);
    expect(lanes.clear()).toEqual(['low 1', 'low 2']);
    expect([lanes.waiting, lanes.next()]).toEqual([0, undefined]);
  });

  it('starve nobody, whoever else keeps coming', () => {
    const some = fc.subarray([...PRIORITIES], { minLength: 1 });
    fc.assert(
      fc.property(some, fc.integer({ min: 15, max: 300 }), (wanted, count) => {
        const taken = turns(wanted, count);
        const total = wanted.reduce((sum, one) => sum + PRIORITY_WEIGHTS[one], 0);
        for (const priority of wanted) {
          const fair = (taken.length * PRIORITY_WEIGHTS[priority]) / total;
          const got = taken.filter((one) => one === priority).length;
          expect(Math.abs(got - fair)).toBeLessThan(wanted.length);
        }
        // Nobody waits longer than one whole round of turns.
        for (const priority of wanted)
          for (let from = 0; from + total <= taken.length; from++)
            expect(taken.slice(from, from + total)).toContain(priority);
      }),
    );
  });

  it('lose nothing and repeat nothing, in whatever order things come and end', () => {
    const step = fc.oneof(fc.constantFrom(...PRIORITIES), fc.constantFrom('next', 'done'));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        // Each third one comes again.
        const lanes = new Lanes<number>(
          3,
          () => 5,
          (item) => item % 3 === 0,
        );
        const taken: number[] = [];
        const running: number[] = [];
        let added = 0;
        for (const one of steps) {
          if (one === 'next') {
            const item = lanes.next();
            if (item !== undefined) taken.push(item) && running.push(item);
          } else if (one === 'done') {
            const ended = running.shift();
            if (ended !== undefined) lanes.done(ended);
          } else if (lanes.room(one) > 0) lanes.add(added++, one);
          expect(lanes.running).toBeLessThanOrEqual(3);
          expect(running.filter((item) => item % 3 === 0).length).toBeLessThanOrEqual(1);
        }
        const all = [...taken, ...lanes.clear()].toSorted((one, other) => one - other);
        expect(all).toEqual(Array.from({ length: added }, (_, number) => number));
      }),
    );
  });
});
