import {
  instantOf,
  Rejection,
  type Command,
  type Decider,
  type Message,
} from '@downbeat/eventsourcing';
import type { Append, Appended } from './event-store';
import { executeTogether, intent, type Remembered } from './execute-together';
import { MemoryEventStore } from './memory/memory-event-store';
import { MemoryLog } from './memory/memory-log';
import { command, freshStream, meta } from './testing/sample-appends';

type Add = Command<'Add', { n: number }>;
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

describe('executing commands together', () => {
  let store: MemoryEventStore;
  beforeEach(() => {
    store = new MemoryEventStore(new MemoryLog(), 'registry');
  });
  const streams = [freshStream(), freshStream(), freshStream()] as const;
  const adding = (...numbers: readonly number[]) =>
    numbers.map((n, index) =>
      intent(
        sum,
        streams[index] ?? freshStream(),
        { type: 'Add', data: { n }, at: instantOf(0) },
        meta,
      ),
    );
  const remembered: Remembered = { stream: freshStream('node'), meta };
  const lengths = async () =>
    Promise.all(streams.map(async (stream) => (await store.load(stream)).length));

  it('appends what is accepted, nothing of what is refused, and tells which', async () => {
    const seen: unknown[] = [];
    const appended = await executeTogether(store, adding(1, 11, 0), (decisions) => {
      seen.push(...decisions.map((one) => (one instanceof Rejection ? one.code : one.length)));
      return { ...remembered, ...command(7, 'c-1') };
    });
    expect(seen).toEqual([1, 'too-much', 0]);
    expect(appended).toEqual({ version: 0, position: 1, answer: { answer: 7 }, repeated: false });
    expect(await lengths()).toEqual([1, 0, 0]);
    expect(await store.answerOf('c-1')).toMatchObject({ answer: { answer: 7 } });
  });

  it('begins with what is known of a stream, and reads only what follows', async () => {
    const [stream] = streams;
    await executeTogether(store, adding(1), () => remembered);
    await executeTogether(store, adding(2), () => remembered);
    const loads = jest.spyOn(store, 'load');
    const from = { state: 7, version: 1, position: 1 };
    const add = { type: 'Add', data: { n: 1 }, at: instantOf(0) } as const;
    const decided: unknown[] = [];
    const asked = () =>
      executeTogether(store, [intent(sum, stream, add, meta, from)], (decisions) => {
        decided.push(...decisions.map((one) => (one instanceof Rejection ? one.code : one.length)));
        return remembered;
      });
    await asked();
    expect([await lengths(), loads.mock.calls[0]]).toEqual([
      [3, 0, 0],
      [stream, 1],
    ]);
    await asked();
    expect(decided).toEqual([1, 'too-much']);
  });

  it('does it once when it is asked for again', async () => {
    const again = () =>
      executeTogether(store, adding(1, 2), () => ({ ...remembered, ...command(7, 'c-1') }));
    const first = await again();
    expect(await again()).toEqual({ ...first, repeated: true });
    expect(await lengths()).toEqual([1, 1, 0]);
  });

  it('appends nothing when all of it is refused', async () => {
    const refusal = new Rejection('none', 'nobody is left');
    expect(await executeTogether(store, adding(1, 2), () => refusal)).toBe(refusal);
    expect(await lengths()).toEqual([0, 0, 0]);
  });

  it('decides all of it again when another writer got in between, three times at most', async () => {
    for (const [rivals, is] of [
      [2, 'fulfilled'],
      [3, 'rejected'],
    ] as const) {
      const contended = new Contended(rivals);
      const [outcome] = await Promise.allSettled([
        executeTogether(contended, adding(4, 1), () => remembered),
      ]);
      expect(outcome.status).toBe(is);
      expect(await contended.load(streams[1])).toHaveLength(is === 'fulfilled' ? 1 : 0);
    }
  });

  class Contended extends MemoryEventStore {
    constructor(private rivals: number) {
      super(new MemoryLog(), 'registry');
    }
    override async appendTogether(appends: readonly Append[]): Promise<readonly Appended[]> {
      const [first] = appends;
      if (first && this.rivals-- > 0)
        await super.append({ ...first, events: [{ type: 'Added', data: { n: 1 } }] });
      return super.appendTogether(appends);
    }
  }
});
