import {
  msOf,
  quantile,
  refusedAppends,
  slowest,
  staleAppends,
  standstills,
  takeOvers,
} from './take-overs';
import type { Sight } from './witness';

let id = 0;
const append = (
  owner: string,
  epoch: number,
  detail = 'hold',
  more: Partial<Sight> = {},
): Sight => ({
  ...{ id: ++id, at: id * 100, kind: 'append', stream: 's', owner, epoch, detail },
  ...{ outcome: 'appended', position: id },
  ...more,
});
const takeOver = (owner: string, epoch: number, from: string): Sight =>
  append(owner, epoch, from, { kind: 'take-over', outcome: '', position: 0 });
beforeEach(() => (id = 0));

describe('what the database saw of a lease', () => {
  it('is in order when each append is of the holder, from hand to hand', () => {
    const sights = [
      append('a', 1, 'acquire'),
      append('a', 1),
      takeOver('b', 2, 'a'),
      append('a', 1, 'hold', { outcome: 'lease' }),
      append('b', 2),
      append('b', 2, 'release'),
      append('c', 1, 'acquire'),
    ];
    expect(staleAppends(sights)).toEqual([]);
    expect(refusedAppends(sights)).toBe(1);
  });

  it.each([
    ['after the take-over', [takeOver('b', 2, 'a'), append('a', 1)]],
    ['with an old epoch of its own', [takeOver('b', 2, 'a'), append('b', 1)]],
    ['of a stream that was given up', [append('a', 1, 'release'), append('a', 1)]],
    ['of a stream that another one holds', [append('b', 1, 'acquire')]],
    ['with an epoch that was left out', [takeOver('b', 3, 'a')]],
  ])('shows a stale append: %s', (_, then) => {
    expect(staleAppends([append('a', 1, 'acquire'), ...then])).toHaveLength(1);
  });

  it('tells how long a run stood still, waits that were due later left out', () => {
    const taken = takeOvers([
      append('a', 1, 'acquire'),
      takeOver('b', 2, 'a'),
      takeOver('c', 3, 'b'),
      append('c', 3),
    ]);
    expect(taken.map(({ from, to, firstAppendAt }) => [from, to, firstAppendAt])).toEqual([
      ['a', 'b', undefined],
      ['b', 'c', 400],
    ]);
    const strikes = [50, 150, 350].map((at) => ({ at, owner: 'b' }));
    const ms = (due: number | undefined) => standstills(taken, strikes, () => due).map(msOf);
    expect(ms(undefined)).toEqual([250]);
    expect(ms(250)).toEqual([150]);
    // It waits for a timer, which another figure is about.
    expect(ms(350)).toEqual([]);
  });

  it('does not count the time in which a run went on under who was struck before', () => {
    const taken = takeOvers([
      append('a', 1, 'acquire'),
      append('a', 1),
      takeOver('b', 2, 'a'),
      append('b', 2),
    ]);
    const stood = standstills(taken, [{ at: 50, owner: 'a' }], () => undefined);
    expect(stood).toMatchObject([{ since: 200, takenOverAt: 300, wentOnAt: 400 }]);
  });

  it('is told of the slowest', () => {
    const all = Array.from({ length: 20 }, (_, n) => ({
      ...{ stream: `s-${n}`, position: n, since: 0, takenOverAt: 1, wentOnAt: (n * 7) % 20 },
    }));
    expect(slowest(all).map(msOf)).toEqual([19, 18, 17, 16, 15, 14, 13, 12, 11, 10]);
  });

  it('has quantiles', () => {
    const values = Array.from({ length: 100 }, (_, n) => 100 - n);
    expect([0.5, 0.99, 1].map((part) => quantile(values, part))).toEqual([50, 99, 100]);
    expect(quantile([], 0.99)).toBe(0);
  });
});
