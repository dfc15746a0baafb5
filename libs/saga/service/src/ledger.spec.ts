import { MemoryEventStore, MemoryLog } from '@downbeat/event-store/testing';
import type { Command, Decider, Message, StreamName } from '@downbeat/eventsourcing';
import { Ledger } from './ledger';

type Add = Command<'Add', { readonly n: number }>;
type Added = Message<'Added', { readonly n: number }>;

const sum: Decider<number, Add, Added> = {
  initialState: 0,
  decide: ({ data }) => [{ type: 'Added', data }],
  evolve: (state, { data }) => state + data.n,
};
const stream = 'sum-1' as StreamName;
const clock = { now: () => 0 };

describe('a ledger', () => {
  it('goes on from what was kept, and reads only what is new', async () => {
    const store = new MemoryEventStore(new MemoryLog(), 'saga');
    const first = new Ledger(sum, stream, 'one', store, clock);
    for (const n of [1, 2, 3]) await first.carryOut({ type: 'Add', data: { n } });
    const load = jest.spyOn(store, 'load');
    const ledger = new Ledger(sum, stream, 'other', store, clock, { state: 3, version: 2 });
    await ledger.refresh();
    expect([ledger.state, load.mock.calls]).toEqual([6, [[stream, 2]]]);
  });

  it('decides again when somebody else was faster', async () => {
    const store = new MemoryEventStore(new MemoryLog(), 'saga');
    const [one, other] = [1, 2].map(() => new Ledger(sum, stream, 'one', store, clock));
    await one?.carryOut({ type: 'Add', data: { n: 1 } });
    await other?.carryOut({ type: 'Add', data: { n: 2 } });
    expect(other?.state).toBe(3);
  });
});
