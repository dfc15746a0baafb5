import { randomBytes } from 'node:crypto';
import { verifyChain } from '../audit/verify-chain';
import { LogDatabase } from '../testing/log-database';
import { freshStream, meta } from '../testing/sample-appends';

const EVENTS = 12;
const MEGABYTE = 1_000_000;

describe('events as large as a run may make them', () => {
  let database: LogDatabase;
  beforeAll(async () => {
    database = await LogDatabase.create('large_events');
    const store = database.store('registry');
    for (let n = 0; n < EVENTS; n++) {
      // Nothing that could be stored in less.
      const text = randomBytes(MEGABYTE * 0.75).toString('base64');
      const events = [{ type: 'Said', data: { n, text } }];
      await store.append({ stream: freshStream(), expected: 0, events, meta });
    }
  });
  afterAll(() => database.drop());

  it('are read a few at a time, each once', async () => {
    const reader = database.store('registry');
    const slices: number[] = [];
    for (let after = 0; after < EVENTS;) {
      const { events, through } = await reader.read(after);
      expect(events.map(({ position }) => position)).toEqual(events.map((_, at) => after + at + 1));
      slices.push(events.length);
      after = through;
    }
    expect(slices.reduce((sum, one) => sum + one, 0)).toBe(EVENTS);
    expect(Math.max(...slices)).toBeLessThan(8);
    expect(Math.min(...slices)).toBeGreaterThan(0);
  });

  it('do not hold up a context that has none', async () => {
    expect(await database.store('health').read(0)).toEqual({ events: [], through: EVENTS });
  });

  it.each(['asc', 'desc'] as const)('are listed page after page (%s)', async (order) => {
    const audit = database.audit();
    const seen: number[] = [];
    let cursor: string | undefined;
    do {
      const page = await audit.list({ order, cursor });
      expect(page.events.length).toBeLessThan(8);
      seen.push(...page.events.map(({ position }) => position));
      cursor = page.next_cursor;
    } while (cursor !== undefined && seen.length <= EVENTS);
    const positions = Array.from({ length: EVENTS }, (_, at) => at + 1);
    expect(seen).toEqual(order === 'asc' ? positions : positions.toReversed());
  });

  it('are part of the chain that is verified', async () => {
    expect(await verifyChain(database.audit())).toMatchObject({ isIntact: true, events: EVENTS });
  });
});

describe('events that are large and stored in little', () => {
  const SMALL = 3;
  let database: LogDatabase;
  beforeAll(async () => {
    database = await LogDatabase.create('packed_events');
    const store = database.store('registry');
    const said = (text: string) => ({ type: 'Said', data: { text } });
    const append = (text: string) =>
      store.append({ stream: freshStream(), expected: 0, events: [said(text)], meta });
    for (let n = 0; n < EVENTS; n++) await append('again '.repeat(MEGABYTE / 6));
    for (let n = 0; n < SMALL; n++) await append('once');
    for (let n = 0; n < EVENTS; n++) await append('again '.repeat(MEGABYTE / 6));
  });
  afterAll(() => database.drop());

  const ALL = EVENTS + SMALL + EVENTS;
  const positions = Array.from({ length: ALL }, (_, at) => at + 1);

  it('are read a few at a time, each once', async () => {
    const reader = database.store('registry');
    const seen: number[] = [];
    for (let after = 0; after < ALL;) {
      const { events, through } = await reader.read(after);
      expect(through).toBeGreaterThan(after);
      expect(events.length).toBeLessThan(8 + SMALL);
      seen.push(...events.map(({ position }) => position));
      after = through;
    }
    expect(seen).toEqual(positions);
  });

  it('do not hold up a context that has none', async () => {
    expect(await database.store('health').read(0)).toEqual({ events: [], through: ALL });
  });

  it.each(['asc', 'desc'] as const)('are listed page after page (%s)', async (order) => {
    const audit = database.audit();
    const seen: number[] = [];
    let cursor: string | undefined;
    do {
      const page = await audit.list({ order, cursor });
      expect(page.events.length).toBeLessThan(8 + SMALL);
      seen.push(...page.events.map(({ position }) => position));
      cursor = page.next_cursor;
    } while (cursor !== undefined && seen.length <= ALL);
    expect(seen).toEqual(order === 'asc' ? positions : positions.toReversed());
  });

  it('are part of the chain that is verified', async () => {
    const audit = database.audit();
    expect((await audit.rows(0, 1_000)).length).toBeLessThan(8);
    expect(await verifyChain(audit)).toMatchObject({ isIntact: true, events: ALL });
  });
});
