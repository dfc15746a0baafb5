import { eventually } from '@downbeat/event-store/testing';
import { bought, lending, lent, louderLending } from '../testing/lending';
import { booksOf, LendingBench } from '../testing/lending-bench';
import { gate } from '../testing/gate';
import type { ProjectionRunner } from '../projection-runner';

const at = '2026-03-01T09:30:00.000Z';

describe('a new version of a read model, on real Postgres', () => {
  let bench: LendingBench;
  beforeAll(async () => {
    bench = await LendingBench.start('versions');
  });
  afterEach(() => bench.reset());
  afterAll(() => bench.stop());

  const tables = async () =>
    (
      await bench.sql<{ name: string }>(
        `select relname as name from pg_class where relnamespace = 'registry'::regnamespace
           and relkind in ('r', 'v') and relname not like 'projection%' order by 1`,
      )
    ).map(({ name }) => name);

  /** Asks without a pause until it is told to stop; every answer is kept. */
  function keepAsking(runner: ProjectionRunner) {
    const answers: { position: number; titles: string[] }[] = [];
    let isOver = false;
    const done = (async () => {
      while (!isOver) {
        const { position, data } = await runner.readModels.ask(lending, {}, booksOf);
        answers.push({ position, titles: data.map(({ title }) => title) });
      }
    })();
    return { answers, stop: () => ((isOver = true), done) };
  }

  it('is swapped in while readers ask all the time and notice nothing', async () => {
    const old = await bench.run();
    for (let book = 0; book < 50; book++) await bench.append(bought(`b${book}`));
    await bench.books(old, { min_position: bench.head });
    const readers = [keepAsking(old), keepAsking(old), keepAsking(old)];

    // The old code goes on until the new one takes over.
    const louder = await bench.run({ projections: [louderLending], pace: { rebuildBatchMax: 7 } });
    for (let book = 50; book < 60; book++) await bench.append(bought(`b${book}`));
    const min_position = bench.head;
    const { data } = await bench.books(louder, { min_position });
    const asked = readers.map(({ answers }) => answers.length);
    await eventually(() =>
      readers.forEach(({ answers }, reader) =>
        expect(answers.length).toBeGreaterThan((asked[reader] ?? 0) + 3),
      ),
    );
    await Promise.all(readers.map((reader) => reader.stop()));

    expect(data).toHaveLength(60);
    expect(data.every(({ title }) => title.startsWith('BOOK '))).toBe(true);
    for (const { answers } of readers) {
      const firstLoud = answers.findIndex(({ titles }) => titles[0]?.startsWith('BOOK'));
      expect(firstLoud).toBeGreaterThan(0);
      for (const [index, { position, titles }] of answers.entries()) {
        // One book per event: an answer that mixes snapshot and tables has another number of them.
        expect(titles).toHaveLength(position);
        const prefix = index < firstLoud ? 'Book' : 'BOOK';
        expect(titles.every((title) => title.startsWith(prefix))).toBe(true);
        expect(position).toBeGreaterThanOrEqual(answers[index - 1]?.position ?? 0);
      }
    }
    await eventually(async () =>
      expect(await tables()).toEqual([
        'book',
        'book_v2',
        'book_v2_was',
        'shelf',
        'shelf_v2',
        'shelf_v2_was',
      ]),
    );
    await eventually(() => expect(old.status()[0]).toMatchObject({ state: 'superseded' }));
  });

  it('waits for a question that is being answered', async () => {
    const old = await bench.run();
    await bench.books(old, { min_position: await bench.append(bought('a'), bought('b')) });

    const answer = await old.readModels.ask(lending, {}, async (manager) => {
      const louder = await bench.run({ projections: [louderLending] });
      await eventually(() => expect(louder.status()[0]).toMatchObject({ position: 2 }));
      await bench.polls(20);
      return (await booksOf(manager)).map(({ title }) => title);
    });
    expect(answer).toEqual({ position: 2, data: ['Book a', 'Book b'] });
    await eventually(async () =>
      expect((await bench.books(old)).data.map(({ title }) => title)).toEqual(['BOOK A', 'BOOK B']),
    );
  });

  it('is built by replicas in turns, none of which trusts what it remembers', async () => {
    for (let book = 0; book < 5; book++) await bench.append(bought(`b${book}`));
    for (let round = 0; round < 6; round++)
      for (let book = 0; book < 5; book++) await bench.append(lent(`b${book}`, `${round}`, at));
    const [firstGate, secondGate] = [gate(), gate()];
    /** Stands still between two batches, after so many. */
    const builder = (batches: number, { opened }: ReturnType<typeof gate>) => {
      let done = 0;
      return bench.run({
        pace: { rebuildBatchMax: 3 },
        onCrashPoint: async (point) => {
          if (point === 'projector.after-commit' && ++done === batches) await opened;
        },
      });
    };
    const checkpoint = (expected: number) =>
      eventually(async () =>
        expect(await bench.sql('select checkpoint::int from projection')).toEqual([
          { checkpoint: expected },
        ]),
      );

    const first = await builder(4, firstGate);
    await checkpoint(12);
    await builder(4, secondGate);
    await checkpoint(24);
    firstGate.open();

    const { data } = await bench.books(first, { min_position: bench.head });
    expect(data.map(({ times_lent }) => times_lent)).toEqual([6, 6, 6, 6, 6]);
    expect(await bench.sql('select books::int from shelf')).toEqual([{ books: 5 }]);
    secondGate.open();
  });

  it('is not said to be served by an old one that lacks some of its tables', async () => {
    const old = await bench.run();
    await bench.books(old, { min_position: await bench.append(bought('a')) });
    await old.stop();
    const { open, opened } = gate();
    const [table] = louderLending.tables;
    const more = {
      ...louderLending,
      tables: [...louderLending.tables, { ...table, name: 'more' }],
    };
    const newer = await bench.run({
      projections: [more as typeof louderLending],
      onCrashPoint: () => opened,
    });
    await eventually(() =>
      expect(newer.status()[0]).toMatchObject({ state: 'building', is_served: false }),
    );
    const asked = newer.readModels.ask(more as typeof louderLending, {}, booksOf);
    open();
    expect((await asked).data).toHaveLength(1);
    expect(newer.status()[0]).toMatchObject({ is_served: true });
  });

  it('leaves the old one to readers, frozen, until it has caught up', async () => {
    const old = await bench.run();
    await bench.books(old, { min_position: await bench.append(bought('a'), bought('b')) });
    await old.stop();
    await bench.append(bought('c'));

    const { open, opened } = gate();
    const louder = await bench.run({
      projections: [louderLending],
      pace: { rebuildBatchMax: 1 },
      onCrashPoint: () => opened,
    });
    const { position, data } = await bench.books(louder);
    expect({ position, titles: data.map(({ title }) => title) }).toEqual({
      position: 2,
      titles: ['Book a', 'Book b'],
    });
    expect(louder.status()[0]).toMatchObject({ state: 'building', is_served: true });
    await expect(bench.books(louder, { min_position: 3, waitMs: 100 })).rejects.toMatchObject({
      code: 'projections/read-model-behind',
      remedy: 'retry',
    });
    open();
    await eventually(async () =>
      expect((await bench.books(louder)).data.map(({ title }) => title)).toEqual([
        'BOOK A',
        'BOOK B',
        'BOOK C',
      ]),
    );
  });

  it('is waited for where the old one lacks a column that is asked', async () => {
    const old = await bench.run();
    await bench.books(old, { min_position: await bench.append(bought('a')) });
    await old.stop();
    const { open, opened } = gate();
    const louder = await bench.run({ projections: [louderLending], onCrashPoint: () => opened });
    const asking = (column: string) =>
      louder.readModels.ask(lending, {}, (manager) =>
        manager.query<{ title: string }[]>(`select title, ${column} from book`),
      );
    await expect(asking('volume')).rejects.toMatchObject({
      code: 'projections/read-model-behind',
      remedy: 'retry',
    });
    open();
    await bench.books(louder, { min_position: bench.head });
    await expect(asking('shelf')).resolves.toMatchObject({ data: [{ title: 'BOOK A' }] });
    // Of its own tables that is a mistake.
    await expect(asking('volume')).rejects.toMatchObject({ code: '42703' });
  });

  it('is built on by another replica when the builder dies', async () => {
    for (let book = 0; book < 30; book++)
      await bench.append(bought(`b${book}`), lent(`b${book}`, 'Kim', at));
    let batches = 0;
    const { open, opened } = gate();
    await bench.run({
      pace: { rebuildBatchMax: 4 },
      onCrashPoint: async (point) => {
        if (point === 'projector.before-commit' && ++batches === 5) await opened;
      },
    });
    await eventually(() => expect(batches).toBe(5));
    const other = await bench.run({ pace: { rebuildBatchMax: 4 } });
    await bench.sql(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and state = 'idle in transaction'`);
    const { data } = await bench.books(other, { min_position: bench.head });
    expect(data).toHaveLength(30);
    expect(data.every(({ times_lent }) => times_lent === 1)).toBe(true);
    expect(await other.verify('registry.lending')).toMatchObject({ is_equal: true });
    open();
  });

  it('is built with the same result when its rows do not fit in memory', async () => {
    for (let book = 0; book < 60; book++) await bench.append(bought(`b${book}`, `s${book % 7}`));
    for (let round = 0; round < 3; round++)
      for (let book = 0; book < 60; book++) await bench.append(lent(`b${book}`, `${round}`, at));
    const runner = await bench.run({ pace: { rebuildBatchMax: 10, rebuildCacheBytesMax: 2_000 } });
    const { data } = await bench.books(runner, { min_position: bench.head });
    expect(data.every(({ times_lent }) => times_lent === 3)).toBe(true);
    expect(await runner.verify('registry.lending')).toMatchObject({ is_equal: true });
  });

  it('is not replaced by an older one', async () => {
    const louder = await bench.run({ projections: [louderLending] });
    await bench.books(louder, { min_position: await bench.append(bought('a')) });
    const older = await bench.run();
    await eventually(() => expect(older.status()[0]).toMatchObject({ state: 'superseded' }));
    const min_position = await bench.append(bought('b'));
    const { data } = await bench.books(louder, { min_position });
    expect(data.map(({ title }) => title)).toEqual(['BOOK A', 'BOOK B']);
    expect(await tables()).toEqual([
      'book',
      'book_v2',
      'book_v2_was',
      'shelf',
      'shelf_v2',
      'shelf_v2_was',
    ]);
  });

  it('can do without a table the old one had', async () => {
    const old = await bench.run();
    await bench.books(old, { min_position: await bench.append(bought('a')) });
    await old.stop();
    const smaller = { ...louderLending, tables: louderLending.tables.slice(0, 1) };
    const runner = await bench.run({ projections: [smaller] });
    await eventually(() => expect(runner.status()[0]).toMatchObject({ state: 'live' }));
    await eventually(async () =>
      expect(await tables()).toEqual(['book', 'book_v2', 'book_v2_was']),
    );
  });

  it('waits for the first build before it answers', async () => {
    await bench.append(bought('a'), bought('b'));
    const { open, opened } = gate();
    const runner = await bench.run({ onCrashPoint: () => opened });
    const answer = bench.books(runner);
    await eventually(() => expect(runner.status()[0]).toMatchObject({ is_served: false }));
    open();
    expect((await answer).data).toHaveLength(2);
  });
});
