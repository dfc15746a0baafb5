import { randomBytes } from 'node:crypto';
import type { StreamName } from '@downbeat/eventsourcing';
import { TOGETHER_MAX } from '../event-store';
import { LogDatabase } from '../testing/log-database';
import { appendOf, freshStream, meta } from '../testing/sample-appends';

const [LONG, EVENTS] = [100, 100];
const numbers = Array.from({ length: EVENTS }, (_, n) => n);

describe('streams that are loaded in one moment', () => {
  let database: LogDatabase;
  const long = Array.from({ length: LONG }, () => freshStream());
  const short = freshStream();
  const parts = (streams: readonly StreamName[], rowsMax: number, bytesMax: number) =>
    database.as('registry', async (client) => {
      const { rows } = await client.query<{ nth: number; event_id: string | null; length: number }>(
        'select nth, event_id, length(data) from log.load_streams($1, $2, $3, $4)',
        [streams, streams.map(() => 0), rowsMax, bytesMax],
      );
      return rows;
    });

  beforeAll(async () => {
    database = await LogDatabase.create('many_loads');
    const store = database.store('registry');
    await store.append(appendOf(short, 0, [7]));
    expect(LONG).toBeLessThan(TOGETHER_MAX);
    await store.appendTogether(long.map((stream) => appendOf(stream, 0, numbers)));
  });
  afterAll(() => database.drop());

  it('are whole, however much they are together', async () => {
    const store = database.store('registry');
    const loaded = await Promise.all([...long, short].map((stream) => store.load(stream)));
    expect(loaded.map(({ length }) => length)).toEqual([...long.map(() => EVENTS), 1]);
    expect(loaded[42]?.map(({ version }) => version)).toEqual(numbers.map((n) => n + 1));
  });

  it('have equal shares of one answer, which says of each whether there is more', async () => {
    const rows = await parts([...long, short], 505, 2 ** 30);
    const events = rows.filter(({ event_id }) => event_id !== null);
    expect(events.map(({ nth }) => nth).filter((nth) => nth <= LONG)).toHaveLength(5 * LONG);
    expect(events.at(-1)?.nth).toBe(LONG + 1);
    const more = rows.filter(({ event_id }) => event_id === null).map(({ nth }) => nth);
    expect(more).toEqual(long.map((_, index) => index + 1));
    // Exactly as many as its share: there is no more.
    expect(await parts([short], 1, 2 ** 30)).toHaveLength(1);
  });

  it('are whole also when they are large, with no more at once than the bound and an event', async () => {
    const store = database.store('registry');
    const text = randomBytes(300_000).toString('base64');
    const large = Array.from({ length: 12 }, () => freshStream());
    const events = [1, 2].map((n) => ({ type: 'Said', data: { n, text } }));
    for (const stream of large) await store.append({ stream, expected: 0, events, meta });
    const rows = await parts([...large, short], 4_096, 1_000_000);
    expect(rows.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(1_500_000);
    expect(new Set(rows.filter((row) => row.event_id === null).map(({ nth }) => nth)).size).toBe(
      13,
    );
    const loaded = await Promise.all([...large, short].map((stream) => store.load(stream)));
    expect(loaded.map(({ length }) => length)).toEqual([...large.map(() => 2), 1]);
  });

  it('are whole when one alone has more than one answer holds', async () => {
    const store = database.store('registry');
    const stream = freshStream();
    for (const expected of [0, 1_000, 2_000])
      await store.append(appendOf(stream, expected, Array<number>(1_000).fill(1)));
    expect(await store.load(stream)).toHaveLength(3_000);
    expect(await store.load(stream, 2_999)).toHaveLength(1);
  });

  it('fail alone when one of them cannot be read', async () => {
    const unreadable = () => {
      throw new Error('unreadable');
    };
    const store = database.store('registry', { upcasters: { Poisoned: { 1: unreadable } } });
    const [bad, good] = [freshStream(), freshStream()];
    await database.store('registry').append({
      ...appendOf(bad, 0, []),
      events: [{ type: 'Poisoned', data: {} }],
    });
    await database.store('registry').append(appendOf(good, 0, [1]));
    const outcomes = await Promise.allSettled([bad, good].map((stream) => store.load(stream)));
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  });

  it("are the own context's, alone and together, also for a role that reads all", async () => {
    const databaseUrl = database.urlOf('audit');
    const reader = database.store('audit', { databaseUrl, context: 'registry' });
    const alone = await reader.load(short);
    const together = await Promise.all([short, freshStream()].map((one) => reader.load(one)));
    expect([alone, ...together]).toEqual([[], [], []]);
  });
});
