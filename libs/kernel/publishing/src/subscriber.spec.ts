import { MemoryEventStore, MemoryLog } from '@downbeat/event-store/testing';
import { EventStoreUnavailable, type Append, type Appended } from '@downbeat/event-store';
import { streamName, type Message, type StreamName } from '@downbeat/eventsourcing';
import { causedBy, Subscriber, type Reactor } from './subscriber';
import { publicationOf } from './testing/relay-fakes';

type Happened = Message<'Happened', { n: number }>;

/** Tells of every append before and after it. */
class HookedStore extends MemoryEventStore {
  sizes: number[] = [];
  loads = 0;
  before: (numbers: readonly number[]) => Promise<void> | void = () => undefined;
  after: (numbers: readonly number[]) => void = () => undefined;

  override async load<Event extends Message>(stream: StreamName) {
    this.loads++;
    return super.load<Event>(stream);
  }

  override async appendTogether(appends: readonly Append[]): Promise<readonly Appended[]> {
    const events = appends.flatMap((append) => append.events) as readonly Happened[];
    const numbers = events.map(({ data }) => data.n);
    await this.before(numbers);
    const appended = await super.appendTogether(appends);
    this.sizes.push(numbers.length);
    this.after(numbers);
    return appended;
  }
}

describe('a subscriber', () => {
  let log: MemoryLog;
  let store: HookedStore;
  let fetched: string[];
  let halved: string[];
  let decide: (number: number) => readonly Happened[];
  beforeEach(() => {
    log = new MemoryLog();
    store = new HookedStore(log, 'health');
    fetched = [];
    halved = [];
    decide = (number) => [{ type: 'Happened', data: { n: number } }];
  });

  const range = (first: number, last: number) =>
    Array.from({ length: last - first + 1 }, (_, index) => publicationOf(first + index));
  const applied = () => log.events.map(({ data }) => (data as Happened['data']).n);
  const reactor: Reactor = {
    consumer: 'health-tests',
    source: 'registry',
    intentFor: (publication) => ({
      stream: streamName('check', publication.id),
      meta: causedBy(publication, 'health-tests'),
      decide: () => decide(publication.number),
    }),
  };
  const subscriber = (published = 0, parts = 500, as: Reactor = reactor): Subscriber =>
    new Subscriber(
      as,
      store,
      async (source, after, limit) => {
        fetched.push(`${source} ${after} ${limit}`);
        return range(after + 1, published).slice(0, Math.min(limit, parts));
      },
      (fault, count) => halved.push(`${count}: ${(fault as Error).message}`),
    );
  const receipt = () => store.lastReceipt('health-tests', 'registry');

  it('applies what arrives, each number once', async () => {
    const one = subscriber();
    await one.receive([...range(1, 2), ...range(1, 3)]);
    await one.receive(range(2, 3));
    expect(applied()).toEqual([1, 2, 3]);
    expect(await receipt()).toBe(3);
    expect(one.status()).toEqual({ applied: 3, gaps: 0, halvings: 0 });
  });

  it('goes on where an earlier process ended', async () => {
    await subscriber().receive(range(1, 2));
    await subscriber().receive(range(1, 3));
    expect(applied()).toEqual([1, 2, 3]);
  });

  it('fetches what is missing before it goes on', async () => {
    const one = subscriber(6);
    await one.receive(range(5, 6));
    expect(applied()).toEqual([1, 2, 3, 4, 5, 6]);
    expect(fetched).toEqual(['registry 0 4']);
    expect(one.status().gaps).toBe(1);
  });

  it('applies a batch that comes out of order, in order', async () => {
    await subscriber(4).receive([3, 1, 4, 2].map(publicationOf));
    expect(applied()).toEqual([1, 2, 3, 4]);
  });

  it('fetches large ranges piece by piece, also pieces shorter than it asked for', async () => {
    await subscriber(1_203, 100).catchUp();
    expect(applied()).toHaveLength(1_203);
    expect(fetched.at(-1)).toBe('registry 1203 500');
  });

  it('never passes over what its source cannot give', async () => {
    await expect(subscriber(0).receive(range(3, 3))).rejects.toMatchObject({
      code: 'publishing/reactor-stuck',
    });
    expect(applied()).toEqual([]);
    expect(await receipt()).toBe(0);
  });

  it('writes the receipt itself for what is nothing to a reactor, and for what it refuses', async () => {
    const ignoring: Reactor = { ...reactor, intentFor: () => undefined };
    await subscriber(0, 1, ignoring).receive(range(1, 2));
    expect(await receipt()).toBe(2);
    decide = () => [];
    await subscriber().receive(range(3, 4));
    expect(await receipt()).toBe(4);
    expect(log.events).toHaveLength(0);
  });

  it('appends once for many, and no more often than streams repeat', async () => {
    await subscriber().receive(range(1, 600));
    expect(store.sizes).toEqual([256, 256, 88]);
    const two: Reactor = {
      ...reactor,
      intentFor: (publication) => ({
        stream: streamName('check', `${Math.ceil(publication.number / 4) % 2}`),
        meta: causedBy(publication, 'health-tests'),
        decide: () => [],
      }),
    };
    store.sizes = [];
    await subscriber(0, 1, two).receive(range(601, 608));
    expect(store.sizes).toHaveLength(7);
    expect(await receipt()).toBe(608);
  });

  it('sees that another replica was faster', async () => {
    const [one, other] = [subscriber(4), subscriber(4)];
    await one.receive(range(1, 1));
    store.before = async () => {
      store.before = () => undefined;
      await other.receive(range(2, 3));
    };
    await one.receive(range(2, 4));
    expect(applied()).toEqual([1, 2, 3, 4]);
  });

  it('asks how far another replica got before it takes a jump for a loss', async () => {
    const [one, other] = [subscriber(), subscriber()];
    await one.receive(range(1, 1));
    await other.receive(range(2, 3));
    await one.receive(range(4, 4));
    expect(applied()).toEqual([1, 2, 3, 4]);
    expect([fetched, one.status().gaps]).toEqual([[], 0]);
  });

  it('stands still behind what cannot be applied, says so, and goes on when it can', async () => {
    const one = subscriber();
    const fine = decide;
    decide = (number) => {
      if (number === 2) throw new TypeError('port is not a number');
      return fine(number);
    };
    await expect(one.receive(range(1, 3))).rejects.toThrow('number 2 of registry: port is not');
    expect(applied()).toEqual([1]);
    expect(one.status().stuck).toBe(
      'health-tests cannot apply number 2 of registry: port is not a number',
    );
    decide = fine;
    await one.receive(range(1, 3));
    expect(applied()).toEqual([1, 2, 3]);
    expect(one.status()).toEqual({ applied: 3, gaps: 0, halvings: 2 });
  });

  it('finds the one that cannot be applied by halves, and tries it alone until it can', async () => {
    const one = subscriber();
    const fine = decide;
    decide = (number) => {
      if (number === 200) throw new TypeError('port is not a number');
      return fine(number);
    };
    await expect(one.receive(range(1, 256))).rejects.toThrow('number 200 of registry');
    expect(applied()).toEqual(range(1, 199).map(({ number }) => number));
    expect(store.sizes.length).toBeLessThan(9);
    expect(one.status().halvings).toBe(8);
    expect(halved.slice(0, 2)).toEqual(['256: port is not a number', '128: port is not a number']);
    for (let times = 1; times <= 3; times++) {
      store.loads = 0;
      await expect(one.receive(range(1, 256))).rejects.toThrow('number 200 of registry');
      expect([store.loads, one.status().halvings]).toEqual([1, 8]);
    }
    decide = fine;
    store.sizes = [];
    await one.receive(range(1, 256));
    expect(applied()).toHaveLength(256);
    expect(store.sizes).toEqual([1, 56]);
  });

  it('asks a database that does not answer twice, and not for every half', async () => {
    let asked = 0;
    store.before = () => {
      asked++;
      throw new EventStoreUnavailable('no answer');
    };
    await expect(subscriber().receive(range(1, 256))).rejects.toThrow('number 1 of registry: no');
    expect([asked, halved]).toEqual([2, ['256: no answer']]);
  });

  it('appends less at once when the database has no time for so much', async () => {
    let asked = 0;
    store.before = (numbers) => {
      asked++;
      if (numbers.length > 40) throw new EventStoreUnavailable('no answer');
    };
    await subscriber().receive(range(1, 256));
    expect(applied()).toHaveLength(256);
    // 256, two of about 128, four of about 64; one alone after each; and eight of about 32.
    expect(asked).toBe(22);
  });

  it('stands still behind what it cannot even read', async () => {
    const one = subscriber(0, 1, {
      ...reactor,
      intentFor: (publication) => {
        if (publication.number === 2) throw new TypeError('port is not a number');
        return reactor.intentFor(publication);
      },
    });
    await expect(one.receive(range(1, 3))).rejects.toThrow('number 2 of registry: port is not');
    expect(applied()).toEqual([1]);
  });

  it.each([
    { how: 'at once: it asks one by one', lost: [1, 2, 3], before: 0 },
    { how: 'with the next batch', lost: [2], before: 1, stuck: 'number 2 of registry: no answer' },
  ])('finds out whether an append of unknown outcome took place, $how', async (scene) => {
    const { lost, before, stuck } = scene;
    const one = subscriber();
    await one.receive(range(1, before));
    store.after = (numbers) => {
      if (numbers.join() !== lost.join()) return;
      store.after = () => undefined;
      throw new EventStoreUnavailable('no answer');
    };
    const batch = one.receive(range(1, Math.max(...lost)));
    if (stuck === undefined) await batch;
    else await expect(batch).rejects.toThrow(stuck);
    await one.receive(range(1, 3));
    expect(applied()).toEqual([1, 2, 3]);
  });

  it('takes batches one after another, though the bus gave up waiting for the first', async () => {
    const one = subscriber();
    let open: () => void = () => undefined;
    const door = new Promise<void>((resolve) => (open = resolve));
    const begun: string[] = [];
    store.before = (numbers) => {
      begun.push(numbers.join());
      return numbers.includes(1) ? door : undefined;
    };
    const first = one.receive(range(1, 2));
    const second = one.receive(range(1, 3));
    open();
    await Promise.all([first, second]);
    expect([applied(), begun]).toEqual([
      [1, 2, 3],
      ['1,2', '3'],
    ]);
  });
});
