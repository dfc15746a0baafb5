import type { EventStore, LogSlice } from '@downbeat/event-store';
import { LogReader } from './log-reader';
import { recorded } from '../testing/given-table';

const slice = (through: number, ...positions: number[]): LogSlice => ({
  through,
  events: positions.map((position) => recorded({ type: 'Any', data: {} }, position)),
});

function readerOf(read: (after: number, limit?: number) => Promise<LogSlice>) {
  const store = { read: jest.fn(read) };
  return { store, reader: new LogReader(store as unknown as EventStore) };
}

describe('reading the log for several projectors', () => {
  it('reads the same stretch once', async () => {
    const { store, reader } = readerOf(async () => slice(12, 11, 12));
    const both = await Promise.all([reader.readShared(10, 5), reader.readShared(10, 5)]);
    expect(await reader.readShared(10, 5)).toBe(both[0]);
    expect(both[1]).toBe(both[0]);
    expect(store.read).toHaveBeenCalledTimes(1);
  });

  it('asks again after the end of the log, and after a fault', async () => {
    let answers = [Promise.reject(new Error('gone')), Promise.resolve(slice(10))];
    const { store, reader } = readerOf(
      (after) => answers.shift() ?? Promise.resolve(slice(after + 1)),
    );
    await expect(reader.readShared(10, 5)).rejects.toThrow('gone');
    expect((await reader.readShared(10, 5)).through).toBe(10);
    expect((await reader.readShared(10, 5)).through).toBe(11);
    expect(store.read).toHaveBeenCalledTimes(3);
    answers = [];
  });

  it('keeps few stretches', async () => {
    const { store, reader } = readerOf(async (after) => slice(after + 1));
    for (let after = 0; after < 10; after++) await reader.readShared(after, 5);
    await reader.readShared(0, 5);
    expect(store.read).toHaveBeenCalledTimes(11);
  });

  it.each([
    ['an event at or before the place asked for', slice(12, 10)],
    ['the same event twice', slice(12, 11, 11)],
    ['events out of order', slice(12, 12, 11)],
    ['an event beyond its end', slice(11, 11, 12)],
    ['an end before its beginning', slice(9)],
    ['more positions than asked for', slice(16)],
  ])('never takes a slice with %s', async (_, broken) => {
    const { reader } = readerOf(async () => broken);
    await expect(reader.read(10, 5)).rejects.toMatchObject({
      code: 'projections/invariant-broken',
    });
  });
});
