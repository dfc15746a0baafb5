import * as fc from 'fast-check';
import { TimerWheel } from '../deadline/timer-wheel';
import { Bulkhead, type BulkheadPolicy, type Waiter } from './bulkhead';
import { PRIORITIES, type Priority } from './priority';

const policy: BulkheadPolicy = { concurrencyMax: 2, queueMax: 2, queueMs: 50 };

function bulkhead(more: Partial<BulkheadPolicy> = {}, limit?: { current: number }) {
  const wheel = new TimerWheel(1);
  const one = new Bulkhead({ ...policy, ...more }, wheel, limit);
  const told: string[] = [];
  const waiter = (name: string, then: () => void = () => undefined): Waiter => ({
    go: () => {
      told.push(name);
      then();
    },
    refused: ({ code, stack }) => {
      told.push(`${name}: ${code}`);
      expect(stack?.split('\n')).toHaveLength(1);
    },
  });
  return { bulkhead: one, wheel, told, waiter };
}

describe('a bulkhead', () => {
  it('lets so many pass, then so many wait, and refuses the others', () => {
    const { bulkhead: one, told, waiter } = bulkhead();
    expect([one.tryEnter(), one.tryEnter(), one.tryEnter()]).toEqual([true, true, false]);
    for (const name of ['a', 'b', 'c']) one.wait(waiter(name), 'normal', Infinity, 0);
    expect(told).toEqual(['c: resilience/bulkhead-full']);
    one.leave();
    expect([told.at(-1), one.underWay, one.waiting]).toEqual(['a', 2, 1]);
    one.leave();
    one.leave();
    expect([told.at(-1), one.underWay, one.waiting]).toEqual(['b', 1, 0]);
  });

  it('lets nobody pass those who wait', () => {
    const { bulkhead: one, waiter } = bulkhead({ concurrencyMax: 1 });
    one.tryEnter();
    one.wait(waiter('a'), 'low', Infinity, 0);
    one.leave();
    expect([one.underWay, one.tryEnter()]).toEqual([1, false]);
  });

  it('keeps nobody waiting longer than it may, or than the caller waits', () => {
    const { bulkhead: one, wheel, told, waiter } = bulkhead();
    one.tryEnter();
    one.tryEnter();
    one.wait(waiter('patient'), 'normal', Infinity, 0);
    one.wait(waiter('hasty'), 'normal', 10, 0);
    wheel.advance(9);
    expect(told).toEqual([]);
    wheel.advance(10);
    wheel.advance(50);
    expect(told).toEqual([
      'hasty: resilience/queue-timed-out',
      'patient: resilience/queue-timed-out',
    ]);
    one.leave();
    expect([told.length, wheel.size, one.underWay]).toEqual([2, 0, 1]);
  });

  it('leaves the place in the line of one that is given up to another, and tells it nothing', () => {
    const { bulkhead: one, wheel, told, waiter } = bulkhead({ concurrencyMax: 1, queueMax: 1 });
    one.tryEnter();
    const giveUp = one.wait(waiter('given up'), 'normal', Infinity, 0);
    giveUp();
    expect([one.waiting, wheel.size]).toEqual([0, 0]);
    const tooLate = one.wait(waiter('next'), 'normal', Infinity, 0);
    giveUp();
    one.wait(waiter('one too many'), 'normal', Infinity, 0)();
    expect([one.waiting, wheel.size]).toEqual([1, 1]);
    one.leave();
    tooLate();
    expect([one.waiting, one.underWay, wheel.size]).toEqual([0, 1, 0]);
    expect(told).toEqual(['one too many: resilience/bulkhead-full', 'next']);
  });

  it('has a queue for each priority, so that none keeps another out', () => {
    const { bulkhead: one, told, waiter } = bulkhead();
    one.tryEnter();
    one.tryEnter();
    for (let call = 0; call < 3; call++) one.wait(waiter('low'), 'low', Infinity, 0);
    one.wait(waiter('critical'), 'critical', Infinity, 0);
    expect(told).toEqual(['low: resilience/bulkhead-full']);
    one.leave();
    expect(told.at(-1)).toBe('critical');
  });

  it('is not overwhelmed by many that are over as soon as they go', () => {
    const { bulkhead: one, told, waiter } = bulkhead({ queueMax: 50_000 });
    one.tryEnter();
    one.tryEnter();
    for (let call = 0; call < 50_000; call++)
      one.wait(
        waiter('a', () => one.leave()),
        'normal',
        Infinity,
        0,
      );
    one.leave();
    expect([told.length, one.underWay, one.waiting]).toEqual([50_000, 1, 0]);
  });

  it('follows a limit that changes, within its own', () => {
    const limit = { current: 1 };
    const { bulkhead: one, told, waiter } = bulkhead({ concurrencyMax: 3 }, limit);
    expect([one.tryEnter(), one.tryEnter()]).toEqual([true, false]);
    one.wait(waiter('a'), 'normal', Infinity, 0);
    one.wait(waiter('b'), 'normal', Infinity, 0);
    limit.current = 9;
    one.leave();
    expect([told, one.underWay]).toEqual([['a', 'b'], 2]);
    expect([one.tryEnter(), one.tryEnter()]).toEqual([true, false]);
  });

  it.each([
    { concurrencyMax: 0 },
    { queueMax: -1 },
    { queueMs: Infinity },
    { weights: { critical: 1, high: 1, normal: 1, low: 0 } },
  ])('%j is refused', (more) => expect(() => bulkhead(more)).toThrow(RangeError));
});

describe('whatever happens, a bulkhead', () => {
  type Step = 'enter' | 'leave' | 'later' | Priority;
  const steps = fc.array(fc.constantFrom<Step>('enter', 'leave', 'leave', 'later', ...PRIORITIES), {
    maxLength: 200,
    size: 'max',
  });
  const limits = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 20 });

  it('never lets more pass than it may, and tells everybody one thing', () => {
    fc.assert(
      fc.property(steps, limits, (all, changes) => {
        const limit = { current: 2 };
        const { bulkhead: one, wheel, told } = bulkhead({ concurrencyMax: 3 }, limit);
        let [nowMs, out, asked] = [0, 0, 0];
        let tooMany = 0;
        // What was let go when the limit was higher may still be out.
        const wentOut = () => {
          if (out >= one.max) tooMany++;
          out++;
        };
        all.forEach((step, at) => {
          limit.current = changes[at % changes.length] ?? 1;
          if (step === 'enter') {
            if (one.tryEnter()) wentOut();
          } else if (step === 'leave') {
            if (out === 0) return;
            out--;
            one.leave();
          } else if (step === 'later') wheel.advance((nowMs += 20));
          else {
            asked++;
            one.wait(
              {
                go: () => void (told.push('went'), wentOut()),
                refused: () => told.push('refused'),
              },
              step,
              Infinity,
              nowMs,
            );
          }
        });
        expect(tooMany).toBe(0);
        expect(told.length + one.waiting).toBe(asked);
        expect(one.underWay).toBe(out);
      }),
    );
  });

  it('starves no priority: whoever waits goes within its share of the turns', () => {
    const lines = fc.array(fc.constantFrom(...PRIORITIES), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(lines, fc.constantFrom(...PRIORITIES), (before, mine) => {
        const { bulkhead: one, told, waiter } = bulkhead({ concurrencyMax: 1, queueMax: 1_000 });
        one.tryEnter();
        const ahead = before.filter((priority) => priority === mine).length;
        for (const priority of before) one.wait(waiter('other'), priority, Infinity, 0);
        one.wait(waiter('mine'), mine, Infinity, 0);
        // Others keep coming, of every other priority.
        for (let turn = 0; !told.includes('mine'); turn++) {
          for (const priority of PRIORITIES)
            if (priority !== mine) one.wait(waiter('other'), priority, Infinity, 0);
          one.leave();
          expect(turn).toBeLessThan(15 * (ahead + 1) + 4);
        }
      }),
    );
  });
});
