import { appendOf, freshStream, MemoryEventStore, MemoryLog } from '@downbeat/event-store/testing';
import { EventStoreUnavailable } from '@downbeat/event-store';
import type { Receipt } from '@downbeat/event-store';
import type { Publication } from './publication';
import { Subscriber, type Reactor } from './subscriber';
import { publicationOf } from './testing/relay-fakes';

describe('a subscriber', () => {
  let log: MemoryLog;
  let store: MemoryEventStore;
  let applied: number[];
  let fetched: string[];
  let onApply: (publication: Publication) => Promise<void> | void;
  beforeEach(() => {
    log = new MemoryLog();
    store = new MemoryEventStore(log, 'health');
    [applied, fetched, onApply] = [[], [], () => undefined];
  });

  const range = (first: number, last: number) =>
    Array.from({ length: last - first + 1 }, (_, index) => publicationOf(first + index));
  const effect = async (publication: Publication, receipt: Receipt): Promise<void> => {
    await onApply(publication);
    await store.append(appendOf(freshStream(), 0, [publication.number], { receipt }));
    applied.push(publication.number);
  };
  const reactor: Reactor = {
    consumer: 'health-tests',
    source: 'registry',
    apply: async (publication, receipt) => {
      await effect(publication, receipt);
      return 'applied';
    },
  };
  const subscriber = (published = 0, parts = 500, as: Reactor = reactor): Subscriber =>
    new Subscriber(as, store, async (source, after, limit) => {
      fetched.push(`${source} ${after} ${limit}`);
      return range(after + 1, published).slice(0, Math.min(limit, parts));
    });
  const receipt = () => store.lastReceipt('health-tests', 'registry');

  it('applies what arrives, each number once', async () => {
    const one = subscriber();
    await one.receive([...range(1, 2), ...range(1, 3)]);
    await one.receive(range(2, 3));
    expect(applied).toEqual([1, 2, 3]);
    expect(await receipt()).toBe(3);
    expect(one.status()).toEqual({ applied: 3, gaps: 0 });
  });

  it('goes on where an earlier process ended', async () => {
    await subscriber().receive(range(1, 2));
    await subscriber().receive(range(1, 3));
    expect(applied).toEqual([1, 2, 3]);
  });

  it('fetches what is missing before it goes on', async () => {
    const one = subscriber(6);
    await one.receive(range(5, 6));
    expect(applied).toEqual([1, 2, 3, 4, 5, 6]);
    expect(fetched).toEqual(['registry 0 4']);
    expect(one.status().gaps).toBe(1);
  });

  it('applies a batch that comes out of order, in order', async () => {
    await subscriber(4).receive([3, 1, 4, 2].map(publicationOf));
    expect(applied).toEqual([1, 2, 3, 4]);
  });

  it('fetches large ranges piece by piece, also pieces shorter than it asked for', async () => {
    await subscriber(1_203, 100).catchUp();
    expect(applied).toHaveLength(1_203);
    expect(fetched.at(-1)).toBe('registry 1203 500');
  });

  it('never passes over what its source cannot give', async () => {
    await expect(subscriber(0).receive(range(3, 3))).rejects.toMatchObject({
      code: 'publishing/reactor-stuck',
    });
    expect(applied).toEqual([]);
    expect(await receipt()).toBe(0);
  });

  it('writes the receipt itself for what a reactor ignores', async () => {
    const ignoring: Reactor = { ...reactor, apply: async () => 'ignored' };
    await subscriber(0, 1, ignoring).receive(range(1, 2));
    expect(await receipt()).toBe(2);
    expect(log.events).toHaveLength(0);
  });

  it('sees that another replica was faster', async () => {
    const [one, other] = [subscriber(4), subscriber(4)];
    await one.receive(range(1, 1));
    onApply = async () => {
      onApply = () => undefined;
      await other.receive(range(2, 3));
    };
    await one.receive(range(2, 4));
    expect(applied).toEqual([1, 2, 3, 4]);
  });

  it('asks how far another replica got before it takes a jump for a loss', async () => {
    const [one, other] = [subscriber(), subscriber()];
    await one.receive(range(1, 1));
    await other.receive(range(2, 3));
    await one.receive(range(4, 4));
    expect(applied).toEqual([1, 2, 3, 4]);
    expect([fetched, one.status().gaps]).toEqual([[], 0]);
  });

  it('stands still behind what cannot be applied, says so, and goes on when it can', async () => {
    const one = subscriber();
    onApply = ({ number }) => {
      if (number === 2) throw new TypeError('port is not a number');
    };
    await expect(one.receive(range(1, 3))).rejects.toThrow('number 2 of registry: port is not');
    expect(applied).toEqual([1]);
    expect(one.status().stuck).toBe(
      'health-tests cannot apply number 2 of registry: port is not a number',
    );
    onApply = () => undefined;
    await one.receive(range(1, 3));
    expect(applied).toEqual([1, 2, 3]);
    expect(one.status()).toEqual({ applied: 3, gaps: 0 });
  });

  it('finds out whether an append of unknown outcome took place', async () => {
    const one = subscriber(0, 1, {
      ...reactor,
      apply: async (publication, receipt) => {
        await effect(publication, receipt);
        if (publication.number === 2 && applied.length === 2)
          throw new EventStoreUnavailable('no answer');
        return 'applied';
      },
    });
    await expect(one.receive(range(1, 3))).rejects.toThrow('no answer');
    await one.receive(range(1, 3));
    expect(applied).toEqual([1, 2, 3]);
  });

  it('takes batches one after another, though the bus gave up waiting for the first', async () => {
    const one = subscriber();
    let open: () => void = () => undefined;
    const door = new Promise<void>((resolve) => (open = resolve));
    const begun: number[] = [];
    onApply = ({ number }) => {
      begun.push(number);
      return number === 1 ? door : undefined;
    };
    const first = one.receive(range(1, 2));
    const second = one.receive(range(1, 2));
    open();
    await Promise.all([first, second]);
    expect([applied, begun]).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });
});
