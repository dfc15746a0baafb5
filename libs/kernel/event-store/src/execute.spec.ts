import { Rejection, type Decider, type Message } from '@downbeat/eventsourcing';
import type { Append, Appended } from './event-store';
import { execute } from './execute';
import { MemoryEventStore } from './memory/memory-event-store';
import { MemoryLog } from './memory/memory-log';
import { freshStream, meta } from './testing/sample-appends';

type Add = Message<'Add', { n: number }>;
type Added = Message<'Added', { n: number }>;

/** A sum that never exceeds 10; adding 0 changes nothing. */
const sum: Decider<number, Add, Added> = {
  initialState: 0,
  decide: ({ data: { n } }, state) => {
    if (state + n > 10) return new Rejection('too-much', `${state} and ${n} are more than 10`);
    return n === 0 ? [] : [{ type: 'Added', data: { n } }];
  },
  evolve: (state, { data: { n } }) => state + n,
};
const add = (n: number): Add => ({ type: 'Add', data: { n } });
const answer = (state: number) => ({ sum: state });

/** A store in which others append first, as often as said. */
class Contended extends MemoryEventStore {
  loads = 0;
  constructor(private rivals: number) {
    super(new MemoryLog(), 'registry');
  }
  override async append(append: Append): Promise<Appended> {
    if (this.rivals-- > 0)
      await super.append({ ...append, events: [add1], expected: append.expected });
    return super.append(append);
  }
}
const add1: Added = { type: 'Added', data: { n: 1 } };

describe('executing a command', () => {
  let store: MemoryEventStore;
  beforeEach(() => {
    store = new MemoryEventStore(new MemoryLog(), 'registry');
  });
  const receipt = (number: number) => ({ receipt: { consumer: 'c', source: 'saga', number } });

  it('reads only what came after a snapshot', async () => {
    const stream = freshStream();
    for (const n of [3, 2, 1]) await execute(store, sum, stream, add(n), { meta });
    const load = jest.spyOn(store, 'load');
    const from = { state: 5, version: 2, position: 2 };
    expect(await execute(store, sum, stream, add(4), { meta, answer, from })).toMatchObject({
      version: 4,
      answer: { sum: 10 },
    });
    expect(load.mock.calls).toEqual([[stream, 2]]);
  });

  it('appends the decision and answers from the state after it', async () => {
    const stream = freshStream();
    expect(await execute(store, sum, stream, add(3), { meta, answer })).toEqual({
      version: 1,
      position: 1,
      answer: { sum: 3 },
      repeated: false,
    });
    expect(await execute(store, sum, stream, add(4), { meta, answer })).toMatchObject({
      version: 2,
      answer: { sum: 7 },
    });
    expect((await store.load(stream))[1]).toMatchObject({ type: 'Added', data: { n: 4 }, meta });
  });

  it('returns a rejection and stores nothing', async () => {
    const refused = await execute(store, sum, freshStream(), add(11), { meta, commandId: 'x' });
    expect(refused).toBeInstanceOf(Rejection);
    expect([await store.head(), await store.answerOf('x')]).toEqual([0, undefined]);
  });

  it('answers a decision without events, and says where the stream stands', async () => {
    const stream = freshStream();
    await execute(store, sum, stream, add(2), { meta });
    const quiet = await execute(store, sum, stream, add(0), { meta, answer });
    expect(quiet).toEqual({ version: 1, position: 1, answer: { sum: 2 }, repeated: false });
    expect(await execute(store, sum, freshStream(), add(0), { meta })).toMatchObject({
      version: 0,
      position: 0,
    });
  });

  it('gives a repeated command its first answer, though it would be refused by now', async () => {
    const [stream, once] = [freshStream(), { meta, answer, commandId: 'once' }];
    const first = await execute(store, sum, stream, add(8), once);
    expect(await execute(store, sum, stream, add(8), once)).toEqual({ ...first, repeated: true });
    expect(await store.load(stream)).toHaveLength(1);
  });

  it('remembers the answer of a command that changed nothing', async () => {
    const [stream, once] = [freshStream(), { meta, answer, commandId: 'quiet' }];
    await execute(store, sum, stream, add(0), once);
    await execute(store, sum, stream, add(5), { meta });
    expect(await execute(store, sum, stream, add(0), once)).toMatchObject({
      answer: { sum: 0 },
      repeated: true,
    });
  });

  it.each([
    ['events', 5],
    ['no events', 0],
    ['a rejection', 11],
  ])('writes the receipt of a decision that is %s', async (_, n) => {
    await execute(store, sum, freshStream(), add(n), { meta, ...receipt(1) });
    expect(await store.lastReceipt('c', 'saga')).toBe(1);
    await expect(
      execute(store, sum, freshStream(), add(n), { meta, ...receipt(1) }),
    ).rejects.toMatchObject({ code: 'event-store/receipt-conflict' });
  });

  it('does not acquire a lease for a command it refuses', async () => {
    const lease = { use: 'acquire', owner: 'o', epoch: 1 } as const;
    const stream = freshStream();
    await execute(store, sum, stream, add(11), { meta, lease });
    expect(store.log.holders.size).toBe(0);
    await execute(store, sum, stream, add(1), { meta, lease });
    expect(store.log.holders.get(stream)).toMatchObject({ owner: 'o' });
  });

  it.each([1, 2])('decides again on fresh state after %s conflicts', async (rivals) => {
    const [contended, stream] = [new Contended(rivals), freshStream()];
    expect(await execute(contended, sum, stream, add(5), { meta, answer })).toMatchObject({
      version: rivals + 1,
      answer: { sum: 5 + rivals },
    });
  });

  it('may be refused on the fresh state', async () => {
    const refused = await execute(new Contended(1), sum, freshStream(), add(10), { meta });
    expect(refused).toMatchObject({ code: 'too-much' });
  });

  it('gives up after three conflicts', async () => {
    await expect(
      execute(new Contended(3), sum, freshStream(), add(1), { meta }),
    ).rejects.toMatchObject({ code: 'event-store/stream-version-conflict' });
  });
});
