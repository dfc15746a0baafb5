import { LogGap } from '@downbeat/event-store';
import { eventually } from '@downbeat/event-store/testing';
import { bookTable, bought, lending, lent, moved, read, returned, sold } from '../testing/lending';
import { LendingBench } from '../testing/lending-bench';

describe('a projector, on real Postgres', () => {
  let bench: LendingBench;
  beforeAll(async () => {
    bench = await LendingBench.start('projector');
  });
  afterEach(() => bench.reset());
  afterAll(() => bench.stop());

  const shelves = () => bench.sql('select shelf, books from shelf order by shelf');

  it('keeps rows of several tables, changed, deleted and created again', async () => {
    const runner = await bench.run();
    await bench.append(bought('a'), bought('b'), bought('c', 'low'), read('a'));
    await bench.append(lent('a', 'Kim', '2026-03-01T09:30:00Z'), moved('b', 'top', 'low'));
    await bench.append(sold('c', 'low'), bought('c', 'top', 'Again'), bought('d', 'back'));
    await bench.books(runner, { min_position: bench.head });
    await bench.append(sold('d', 'back'));
    const position = await bench.append(returned('a'), lent('b', 'Lee', '2026-03-02T10:00:00.5Z'));

    const answer = await bench.books(runner, { min_position: position });

    const row = {
      labels: null,
      borrower: null,
      lent_at: null,
      times_lent: 0,
      wear: 0,
      is_lent: false,
    };
    expect(answer).toEqual({
      position,
      data: [
        { ...row, book: 'a', title: 'Book a', shelf: 'top', times_lent: 1, wear: 0.1 },
        {
          ...row,
          book: 'b',
          title: 'Book b',
          shelf: 'low',
          borrower: 'Lee',
          lent_at: '2026-03-02T10:00:00.500Z',
          times_lent: 1,
          wear: 0.1,
          is_lent: true,
        },
        { ...row, book: 'c', title: 'Again', shelf: 'top' },
      ],
    });
    expect(await shelves()).toEqual([
      { shelf: 'low', books: '1' },
      { shelf: 'top', books: '2' },
    ]);
  });

  it('gives plain SQL the same types as entities', async () => {
    const runner = await bench.run();
    const min_position = await bench.append(bought('a'), lent('a', 'Kim', '2026-03-01T09:30:00Z'));
    const { data } = await runner.readModels.ask(lending, { min_position }, (manager) =>
      manager.query('select lent_at, times_lent, count(*) over () as all from book'),
    );
    expect(data).toEqual([{ lent_at: '2026-03-01T09:30:00.000Z', times_lent: 1, all: 1 }]);
  });

  it('finds rows by instants and numbers', async () => {
    const runner = await bench.run();
    const min_position = await bench.append(bought('a'), lent('a', 'Kim', '2026-03-01T09:30:00Z'));
    const { data } = await runner.readModels.ask(lending, { min_position }, (manager) =>
      manager.getRepository('book').findBy({ lent_at: '2026-03-01T09:30:00.000Z', times_lent: 1 }),
    );
    expect(data).toHaveLength(1);
  });

  it('keeps JSON as it was written, with any text in it', async () => {
    const runner = await bench.run();
    const labels = { z: [1, { deep: null }], a: 'nul \u0000 and half \ud800', n: 1.5 };
    const min_position = await bench.append({
      type: 'BookBought',
      data: { book: 'a', shelf: 'top', title: 'A', labels },
    });
    const { data } = await bench.books(runner, { min_position });
    expect(JSON.stringify(data[0]?.labels)).toBe(JSON.stringify(labels));
  });

  it('lets events of other contexts move the checkpoint', async () => {
    const runner = await bench.run();
    await bench.books(runner, { min_position: await bench.append(bought('a')) });
    for (let at = 0; at < 20; at++) await bench.appendForeign();
    const position = await bench.appendForeign();

    await eventually(async () => {
      const records = await bench.sql('select checkpoint from projection');
      expect(records).toEqual([{ checkpoint: String(position) }]);
    });
    await eventually(() =>
      expect(runner.status()).toEqual([
        {
          name: 'registry.lending',
          version: 1,
          state: 'live',
          is_served: true,
          position,
          lag: 0,
          parked_streams: 0,
        },
      ]),
    );
  });

  it('brings a read up to another context’s event at once when asked to', async () => {
    const runner = await bench.run({ pace: { idleCheckpointMs: 60_000 } });
    await bench.books(runner, { min_position: await bench.append(bought('a')) });
    const min_position = await bench.appendForeign();
    const { position } = await bench.books(runner, { min_position });
    expect(position).toBe(min_position);
  });

  it.each([
    ['a hint told of', false],
    ['no hint told of', true],
  ])('does not wait for its next look when somebody asks for a position %s', async (_, isLost) => {
    const runner = await bench.run({ pace: { pollMs: 60_000, idleCheckpointMs: 60_000 } });
    await bench.books(runner, { min_position: await bench.append(bought('a')) });
    bench.store.losesHints = isLost;
    const foreign = await bench.appendForeign();
    expect((await bench.books(runner, { min_position: foreign })).position).toBe(foreign);
    const own = await bench.append(bought('b'));
    expect((await bench.books(runner, { min_position: own })).data).toHaveLength(2);
  });

  it('is not woken by other contexts, and goes over their events with its next look', async () => {
    const runner = await bench.run({ pace: { pollMs: 60_000 } });
    await bench.books(runner, { min_position: await bench.append(bought('a')) });
    const read = jest.spyOn(bench.store, 'read');
    for (let at = 0; at < 20; at++) await bench.appendForeign();
    expect(runner.status()[0]).toMatchObject({ position: 1, lag: 20 });
    const own = await bench.append(bought('b'));
    await eventually(() => expect(runner.status()[0]).toMatchObject({ position: own, lag: 0 }));
    expect(read.mock.calls).toEqual([[1, 1_000]]);
  });

  it('leaves the database in peace while the log does not grow', async () => {
    const runner = await bench.run({ pace: { recordPollMs: 60_000 } });
    await bench.books(runner, { min_position: await bench.append(bought('a')) });
    const lastUse = () =>
      bench.sql(`select max(state_change) from pg_stat_activity
        where datname = current_database() and application_name = 'registry read models'`);

    await eventually(async () => {
      const before = await lastUse();
      await bench.polls(10);
      expect(await lastUse()).toEqual(before);
    });
  });

  it('finds events nobody gave a hint for', async () => {
    const runner = await bench.run();
    bench.store.losesHints = true;
    const min_position = await bench.append(bought('a'));
    expect((await bench.books(runner, { min_position })).data).toHaveLength(1);
  });

  it('goes on where it stopped', async () => {
    const first = await bench.run();
    await bench.books(first, { min_position: await bench.append(bought('a')) });
    await first.stop();
    const min_position = await bench.append(lent('a', 'Kim', '2026-03-01T09:30:00Z'));
    const { data } = await bench.books(await bench.run(), { min_position });
    expect(data).toMatchObject([{ book: 'a', borrower: 'Kim', times_lent: 1 }]);
  });

  it('refuses tables that changed without a new version', async () => {
    await bench.run();
    const changed = { ...lending, tables: [{ ...bookTable, indexes: [] }] };
    await expect(bench.run({ projections: [changed] })).rejects.toMatchObject({
      code: 'projections/projection-changed',
    });
  });

  it('says that it cannot go on when the log has a gap, and never skips one', async () => {
    const runner = await bench.run();
    await bench.books(runner, { min_position: await bench.append(bought('a')) });
    const gap = jest.spyOn(bench.store, 'read').mockRejectedValue(new LogGap(2, 3));
    await bench.append(bought('b'));

    await eventually(() =>
      expect(runner.status()[0]).toMatchObject({
        state: 'failed',
        position: 1,
        lag: 1,
        fault: expect.stringMatching(/position 3 where 2 must be/),
      }),
    );
    await eventually(async () =>
      expect(await bench.sql('select checkpoint, fault from projection')).toEqual([
        { checkpoint: '1', fault: expect.stringMatching(/position 3/) },
      ]),
    );
    expect((await bench.books(runner)).position).toBe(1);

    gap.mockRestore();
    await eventually(async () => expect((await bench.books(runner)).data).toHaveLength(2));
    expect(await bench.sql('select fault from projection')).toEqual([{ fault: null }]);
  });

  it('says so when the log is an older copy than its checkpoint', async () => {
    const runner = await bench.run();
    await bench.books(runner, { min_position: await bench.append(bought('a'), bought('b')) });
    await runner.stop();
    bench.loseLog();
    const restored = await bench.run();
    await eventually(() =>
      expect(restored.status()[0]).toMatchObject({
        state: 'failed',
        fault: expect.stringMatching(/the log ends at 0, before the checkpoint 2/),
      }),
    );
  });

  it('lets several processes start at once', async () => {
    const runners = await Promise.all([bench.run(), bench.run(), bench.run()]);
    const min_position = await bench.append(bought('a'));
    for (const runner of runners)
      expect((await bench.books(runner, { min_position })).data).toHaveLength(1);
  });
});
