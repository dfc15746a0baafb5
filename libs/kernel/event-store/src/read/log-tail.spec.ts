import type { RecordedEvent } from '@downbeat/eventsourcing';
import { LogTail } from './log-tail';

describe('the end of the log that was read last', () => {
  let tail: LogTail;
  beforeEach(() => (tail = new LogTail({ eventsMax: 4, lengthMax: 100 })));

  const events = (positions: readonly number[], length = 1) =>
    positions.map((position) => ({
      position,
      length,
      event: () => ({ position }) as RecordedEvent,
    }));
  const read = (after: number, through: number, positions: readonly number[], length = 1) =>
    tail.add(after, through, events(positions, length));
  const known = (after: number, limit = 1_000) => {
    const slice = tail.after(after, limit);
    return slice && [slice.events.map(({ position }) => position), slice.through];
  };

  it('knows nothing at first', () => expect(known(0)).toBeUndefined());

  it('knows what was read, from any place in it', () => {
    read(10, 20, [12, 15]);
    expect([known(10), known(12), known(19)]).toEqual([
      [[12, 15], 20],
      [[15], 20],
      [[], 20],
    ]);
  });

  it('says nothing about what lies before it or after it', () => {
    read(10, 20, [12]);
    expect([known(9), known(20), known(25)]).toEqual([undefined, undefined, undefined]);
  });

  it('takes no more positions than are asked for', () => {
    read(10, 20, [12, 15]);
    expect([known(10, 4), known(10, 5)]).toEqual([
      [[12], 14],
      [[12, 15], 15],
    ]);
  });

  it('grows with what follows it, and counts twice nothing that overlaps', () => {
    read(10, 20, [12]);
    read(20, 30, [21]);
    read(15, 35, [21, 33]);
    expect(known(10)).toEqual([[12, 21, 33], 35]);
  });

  it('begins anew where there is a gap, and passes over what is older', () => {
    read(10, 20, [12]);
    read(25, 30, [26]);
    read(0, 20, [5, 12]);
    read(28, 29, []);
    expect([known(10), known(25)]).toEqual([undefined, [[26], 30]]);
  });

  it('begins anew with a stretch that reaches back further', () => {
    read(10, 20, [12]);
    read(5, 30, [7, 12, 26]);
    expect(known(5)).toEqual([[7, 12, 26], 30]);
  });

  it('forgets the oldest when there are too many', () => {
    read(0, 6, [1, 2, 3, 4, 5, 6]);
    expect([known(1), known(2)]).toEqual([undefined, [[3, 4, 5, 6], 6]]);
  });

  it('forgets the oldest when they are too long, if need be all', () => {
    read(0, 3, [1, 2, 3], 40);
    expect([known(0), known(1)]).toEqual([undefined, [[2, 3], 3]]);
    read(3, 5, [4], 101);
    expect([known(3), known(4)]).toEqual([undefined, [[], 5]]);
  });

  it('grows with what was appended right behind it', () => {
    read(10, 20, [12]);
    tail.extend(20, 22, events([21, 22]));
    expect([known(10), known(21)]).toEqual([
      [[12, 21, 22], 22],
      [[22], 22],
    ]);
  });

  it('leaves what was appended after a gap, or before its end, to who reads it', () => {
    read(10, 20, [12]);
    tail.extend(21, 22, events([22]));
    tail.extend(19, 21, events([20, 21]));
    expect(known(10)).toEqual([[12], 20]);
  });
});
