import { eventually } from '@downbeat/event-store/testing';
import type { Instant } from '@downbeat/eventsourcing';
import fc from 'fast-check';
import { Client } from 'pg';
import type { ProjectionRunner } from '../projection-runner';
import {
  bought,
  lending,
  lent,
  moved,
  returned,
  sold,
  type LendingEvent,
} from '../testing/lending';
import { booksOf, LendingBench } from '../testing/lending-bench';

const at = '2026-03-01T09:30:00.000Z';
const holds = (check: () => Promise<void>): Promise<void> => eventually(check, 30_000);
const HOUR_MS = 3_600_000;

/** What happens to a few books on three shelves; `bad` can never be folded once it was bought. */
const anEvent = fc.record({
  book: fc.constantFrom('a', 'b', 'c', 'd', 'bad'),
  what: fc.constantFrom('bought', 'moved', 'lent', 'returned', 'sold', 'foreign'),
  shelf: fc.constantFrom('top', 'low', 'far'),
});
type Happening = typeof anEvent extends fc.Arbitrary<infer Value> ? Value : never;

function eventOf({ book, what, shelf }: Happening): LendingEvent | undefined {
  switch (what) {
    case 'bought':
      return bought(book, shelf, book === 'bad' ? 'poison' : `Book ${book}`);
    case 'moved':
      return moved(book, shelf, shelf === 'top' ? 'low' : 'top');
    case 'lent':
      return lent(book, 'Kim', at);
    case 'returned':
      return returned(book);
    case 'sold':
      return sold(book, shelf);
    case 'foreign':
      return undefined;
  }
}

/** The statements of each transaction that begins from now on and is committed. */
function recordTransactions(): readonly string[][] {
  const open = new Map<unknown, string[]>();
  const committed: string[][] = [];
  const query = Client.prototype.query as (...args: unknown[]) => unknown;
  jest.spyOn(Client.prototype, 'query').mockImplementation(function (
    this: Client,
    ...args: unknown[]
  ) {
    const text = String(args[0]);
    if (text === 'begin') open.set(this, []);
    const texts = open.get(this);
    texts?.push(text);
    if (texts && text === 'commit') {
      committed.push(texts);
      open.delete(this);
    }
    return query.apply(this, args);
  });
  return committed;
}

describe('the past of a read model that is kept, on real Postgres', () => {
  let bench: LendingBench;
  beforeAll(async () => {
    bench = await LendingBench.start('past');
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await bench.reset();
  });
  afterAll(() => bench.stop());

  const everything = (runner: ProjectionRunner, position: number | Instant) =>
    runner.readModels.ask(lending, { at: position }, async (manager) => ({
      books: await booksOf(manager),
      shelves: await manager.getRepository('shelf').find({ order: { shelf: 'asc' } }),
    }));
  const happen = async (happenings: readonly Happening[]) => {
    for (const happening of happenings) {
      const event = eventOf(happening);
      await (event ? bench.append(event) : bench.appendForeign());
    }
  };
  /** What is kept is used no more. */
  const forgetPast = () => bench.sql('update projection set past_through = -1');
  const reached = (runner: ProjectionRunner) => bench.books(runner, { min_position: bench.head });
  const pastFrom = async () =>
    (
      await bench.sql<{ from: number }>(
        'select past_from::int as from from projection where version = 1',
      )
    )[0]?.from;

  /** Asks all of them twice: what is kept, and what a rebuild says. */
  const expectRebuilt = async (runner: ProjectionRunner, positions: readonly number[]) => {
    const seen = [];
    for (const position of positions) seen.push(await everything(runner, position));
    const rebuilder = await bench.run({ pace: { pollMs: 60_000, pastKeptMs: 0 } });
    await runner.stop();
    await forgetPast();
    for (const [index, position] of positions.entries())
      expect({ asked: position, ...seen[index] }).toEqual({
        asked: position,
        ...(await everything(rebuilder, position)),
      });
    await rebuilder.stop();
  };

  it('is at any position what a rebuild up to there is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anEvent, { minLength: 20, maxLength: 60 }),
        fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
        fc.array(fc.nat(), { minLength: 6, maxLength: 6 }),
        async (happenings, crashes, wanted) => {
          const dies = [...crashes];
          const onCrashPoint = (point: string): void => {
            if (point === 'projector.before-commit' && dies.pop() === true)
              throw new Error('the process dies here');
          };
          const pace = { batchMax: 7, rebuildBatchMax: 7 };
          const half = happenings.length >> 1;
          await happen(happenings.slice(0, half));
          const runner = await bench.run({ onCrashPoint, pace });
          await bench.run({ onCrashPoint, pace });
          await happen(happenings.slice(half));
          await reached(runner);
          const positions = wanted.map((number) => number % (bench.head + 1));
          await expectRebuilt(runner, [...positions, 0, bench.head]);
          await bench.reset();
        },
      ),
      { numRuns: 5, endOnFailure: true },
    );
  });

  it('is looked at, not built again: what is read of the log is within a batch', async () => {
    const runner = await bench.run();
    for (let book = 0; book < 40; book++) {
      await bench.append(bought(`b${book}`), lent(`b${book}`, 'Kim', at));
      await reached(runner);
    }
    const reading = jest.spyOn(bench.store, 'read');
    expect((await everything(runner, 60)).data.books).toHaveLength(30);
    const before = reading.mock.calls.filter(([after]) => after < 50);
    expect(before).toEqual([]);
  });

  it('begins anew when a release that keeps none was at work in between', async () => {
    const newer = await bench.run();
    await bench.append(bought('a'), lent('a', 'Kim', at));
    await reached(newer);
    await newer.stop();
    const older = await bench.run({ pace: { pastKeptMs: 0 } });
    await bench.append(returned('a'), bought('b'));
    await reached(older);
    await older.stop();
    const again = await bench.run();
    await bench.append(moved('a', 'top', 'low'), sold('b'));
    await reached(again);
    expect(await pastFrom()).toBe(4);
    await expectRebuilt(again, [0, 1, 2, 3, 4, 5, 6]);
  });

  it('begins with the first release that keeps it', async () => {
    const earlier = await bench.run();
    await bench.append(bought('a'), lent('a', 'Kim', at));
    await reached(earlier);
    await earlier.stop();
    // As that release left it.
    await bench.sql(`drop table book_v1_was, shelf_v1_was, projection_moment;
      alter table book_v1 drop column "_since"; alter table shelf_v1 drop column "_since";
      alter table projection drop column past_from, drop column past_through`);
    const [now] = await Promise.all([bench.run(), bench.run()]);
    await bench.append(returned('a'), bought('b'));
    await reached(now);
    expect(await pastFrom()).toBe(2);
    await expectRebuilt(now, [0, 1, 2, 3, 4]);
  });

  it('is forgotten after its time, and older moments are built again', async () => {
    const first = await bench.run();
    bench.now = () => Date.now() - 2 * HOUR_MS;
    await bench.append(bought('a'), lent('a', 'Kim', at));
    await reached(first);
    await bench.append(returned('a'));
    await reached(first);
    bench.now = Date.now;
    await bench.append(sold('a'));
    await reached(first);
    expect(await bench.sql('select from book_v1_was')).not.toEqual([]);
    await first.stop();

    const second = await bench.run({ pace: { pastKeptMs: HOUR_MS, pastPruneMs: 20 } });
    await holds(async () => expect(await pastFrom()).toBe(3));
    await holds(async () =>
      expect(await bench.sql('select from book_v1_was where "_until" <= 3')).toEqual([]),
    );
    await holds(async () =>
      expect(await bench.sql('select from projection_moment')).toHaveLength(2),
    );
    expect((await everything(second, 3)).data.books).toMatchObject([{ borrower: null }]);
    await expectRebuilt(second, [0, 1, 2, 3, 4]);
  });

  it('is right when its horizon is within a batch', async () => {
    const first = await bench.run();
    bench.now = () => Date.now() - 2 * HOUR_MS;
    await bench.append(bought('a'));
    await reached(first);
    await first.stop();
    await bench.append(lent('a', 'Kim', at), bought('b'));
    bench.now = Date.now;
    await bench.append(moved('b', 'top', 'low'), returned('a'));

    const second = await bench.run({ pace: { pastKeptMs: HOUR_MS, pastPruneMs: 20 } });
    await holds(async () => expect(await pastFrom()).toBe(3));
    expect(await bench.sql('select position::int from projection_moment order by 1')).toEqual([
      { position: 1 },
      { position: 5 },
    ]);
    expect((await everything(second, 3)).data.books).toMatchObject([
      { book: 'a', borrower: 'Kim' },
      { book: 'b' },
    ]);
    await expectRebuilt(second, [0, 1, 2, 3, 4, 5]);
  });

  it('is forgotten, and old tables are dropped, while the log never rests', async () => {
    const first = await bench.run();
    bench.now = () => Date.now() - 2 * HOUR_MS;
    await bench.append(bought('a'));
    await reached(first);
    await bench.append(lent('a', 'Kim', at));
    await reached(first);
    await first.stop();
    bench.now = Date.now;
    const { username } = new URL(bench.database.urlOf('registry'));
    await bench.sql(`create table book_v0 (book text);
      alter table book_v0 owner to "${username}";
      insert into projection select name, 0, 'retired', checkpoint, '{book}', fingerprint from projection`);

    let isOver = false;
    let written = 0;
    await bench.append(returned('a'));
    await bench.run({
      pace: { pastKeptMs: HOUR_MS, pastPruneMs: 20, restMs: 0 },
      onCrashPoint: async (point) => {
        if (point !== 'projector.after-commit' || isOver || ++written > 5_000) return;
        await bench.append(lent('a', 'Kim', at));
      },
    });
    await holds(async () => expect(await pastFrom()).toBeGreaterThanOrEqual(2));
    await holds(async () =>
      expect(await bench.sql('select from projection where version = 0')).toEqual([]),
    );
    expect(written).toBeLessThan(5_000);
    isOver = true;
  });

  it('lets the log go on when what is old cannot be dropped', async () => {
    const first = await bench.run();
    bench.now = () => Date.now() - 2 * HOUR_MS;
    await bench.append(bought('a'));
    await reached(first);
    await bench.append(lent('a', 'Kim', at));
    await reached(first);
    await first.stop();
    bench.now = Date.now;
    const { username } = new URL(bench.database.urlOf('registry'));
    await bench.sql(`create table book_v0 (book text);
      alter table book_v0 owner to "${username}";
      create view operators as select * from book_v0;
      insert into projection select name, 0, 'retired', checkpoint, '{book}', fingerprint from projection`);

    const runner = await bench.run({
      pace: { recordPollMs: 50, pastKeptMs: HOUR_MS, pastPruneMs: 200 },
    });
    const untidied = () =>
      bench.logged.filter(({ message }) => message === 'what is old cannot be removed yet');
    for (const book of ['b', 'c', 'd']) {
      const before = untidied().length;
      await bench.append(bought(book));
      await reached(runner);
      await holds(async () => expect(untidied().length).toBeGreaterThan(before));
    }
    expect(untidied()[0]).toMatchObject({
      level: 'warn',
      facts: { fault: expect.stringContaining('depend') },
    });
    expect(bench.logged.map(({ message }) => message)).not.toContain('read model tries again');
    // The past is forgotten all the same.
    await holds(async () => expect(await pastFrom()).toBeGreaterThanOrEqual(2));
    await bench.sql('drop view operators');
    await holds(async () =>
      expect(await bench.sql('select from projection where version = 0')).toEqual([]),
    );
  });

  it('of history that is too old is not even written', async () => {
    bench.now = () => Date.now() - 48 * HOUR_MS;
    for (let book = 0; book < 6; book++)
      await bench.append(bought(`b${book}`), lent(`b${book}`, 'Kim', at), sold(`b${book}`));
    const runner = await bench.run({ pace: { rebuildBatchMax: 4 } });
    await reached(runner);
    expect(await bench.sql('select from book_v1_was')).toEqual([]);
    expect(await bench.sql('select from projection_moment')).toEqual([]);
    await expectRebuilt(runner, [0, 5, 9, 18]);
  });

  it('is kept without a further statement', async () => {
    const statementsOf = async (pastKeptMs: number): Promise<number[]> => {
      // It looks at its record all the time: what is asked outside of a transaction does not count.
      const runner = await bench.run({ pace: { pastKeptMs, recordPollMs: 1 } });
      await bench.append(bought('a'));
      await reached(runner);
      const transactions = recordTransactions();
      await bench.append(lent('a', 'Kim', at));
      await reached(runner);
      await bench.append(sold('a'));
      await reached(runner);
      await bench.reset();
      jest.restoreAllMocks();
      for (const texts of transactions) expect(texts.at(-1)).toBe('commit');
      return transactions
        .filter((texts) => texts.some((text) => /(insert into|delete from) "book_v1"/.test(text)))
        .map((texts) => texts.length);
    };
    const without = await statementsOf(0);
    expect(without).toHaveLength(2);
    expect(await statementsOf(HOUR_MS)).toEqual(without);
  });

  it('is kept of the last hour alone while the read model is built', async () => {
    bench.now = () => Date.now() - 2 * HOUR_MS;
    await bench.append(bought('a'), lent('a', 'Kim', at));
    const runner = await bench.run({ pace: { rebuildBatchMax: 1 } });
    await reached(runner);
    expect(await bench.sql('select from book_v1_was')).toEqual([]);
    expect(await pastFrom()).toBe(2);
    await bench.append(returned('a'));
    await reached(runner);
    expect(await bench.sql('select from book_v1_was')).toHaveLength(1);
    expect(await pastFrom()).toBe(2);
    await expectRebuilt(runner, [0, 1, 2, 3]);
  });

  it.each([
    ['', 'select'],
    // As that release left it.
    [', built by an earlier release', 'delete from projection_moment where position = 0'],
  ])('is right when its horizon is within the first batch of all%s', async (_, left) => {
    bench.now = () => Date.now() - 2 * HOUR_MS;
    await bench.append(bought('a'), lent('a', 'Kim', at), bought('b'));
    bench.now = Date.now;
    await bench.append(moved('b', 'top', 'low'), returned('a'));
    const runner = await bench.run({ pace: { pastKeptMs: HOUR_MS, pastPruneMs: 20 } });
    await holds(async () => expect(await pastFrom()).toBe(3));
    await bench.sql(left);
    expect((await everything(runner, 3)).data.books).toMatchObject([
      { book: 'a', borrower: 'Kim' },
      { book: 'b' },
    ]);
    await expectRebuilt(runner, [0, 1, 2, 3, 4, 5]);
  });

  it('counts with streams that were parked then, and begins anew when they are resumed', async () => {
    const runner = await bench.run();
    await bench.append(bought('bad', 'top', 'poison'), bought('a'));
    await reached(runner);
    await bench.append(moved('bad', 'top', 'low'), moved('a', 'top', 'low'));
    await reached(runner);
    for (const position of [1, 2, 3, 4])
      expect(JSON.stringify(await everything(runner, position))).not.toContain('bad');
    await runner.retryParked('registry.lending');
    expect(await pastFrom()).toBe(4);
    await expectRebuilt(runner, [1, 2, 3, 4]);
  });
});
