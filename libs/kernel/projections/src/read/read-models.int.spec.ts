import { eventually } from '@downbeat/event-store/testing';
import type { Instant } from '@downbeat/eventsourcing';
import { gate } from '../testing/gate';
import { bought, lending, lent, moved, returned, sold } from '../testing/lending';
import { booksOf, LendingBench } from '../testing/lending-bench';
import type { ReadAs } from './read-models';

const at = '2026-03-01T09:30:00.000Z';

describe('asking read models, on real Postgres', () => {
  let bench: LendingBench;
  beforeAll(async () => {
    bench = await LendingBench.start('read_models');
  });
  afterEach(() => bench.reset());
  afterAll(() => bench.stop());

  /** A small life: every prefix of it is a state worth asking for. */
  const life = [
    bought('a'),
    bought('b'),
    lent('a', 'Kim', at),
    bought('bad', 'top', 'poison'),
    moved('b', 'top', 'low'),
    returned('a'),
    lent('bad', 'Lee', at),
    moved('bad', 'top', 'low'),
    sold('a'),
    bought('a', 'low', 'Again'),
  ];

  it('answers about the past what it answered then', async () => {
    const runner = await bench.run();
    const everything = (as: ReadAs) =>
      runner.readModels.ask(lending, as, async (manager) => ({
        books: await booksOf(manager),
        shelves: await manager.getRepository('shelf').find({ order: { shelf: 'asc' } }),
      }));
    const then = [await everything({})];
    for (const event of life) {
      await bench.append(event);
      await bench.appendForeign();
      const now = await everything({ min_position: bench.head });
      then.push({ ...now, position: bench.head - 1 }, now);
    }
    expect(new Set(then.map(({ data }) => JSON.stringify(data))).size).toBeGreaterThan(6);
    for (const past of [...then, ...[...then].reverse()])
      expect(await everything({ at: past.position })).toEqual(past);
  });

  it('answers about a moment', async () => {
    let now = Date.parse('2026-03-01T10:00:00.000Z');
    bench.now = () => now;
    const runner = await bench.run();
    await bench.append(bought('a'));
    now += 1_000;
    await bench.append(bought('b'), lent('b', 'Kim', at));
    now += 1_000;
    await bench.append(sold('a'));
    await bench.books(runner, { min_position: bench.head });
    const askedAt = async (moment: string) => {
      const { position, data } = await bench.books(runner, { at: moment as Instant });
      return { position, books: data.map(({ book, borrower }) => `${book} ${borrower}`) };
    };

    expect(await askedAt('2026-03-01T09:59:59.999Z')).toEqual({ position: 0, books: [] });
    expect(await askedAt('2026-03-01T10:00:00Z')).toEqual({ position: 1, books: ['a null'] });
    expect(await askedAt('2026-03-01T11:00:01+01:00')).toEqual({
      position: 3,
      books: ['a null', 'b Kim'],
    });
    expect(await askedAt('2026-03-01T10:00:01.999Z')).toMatchObject({ position: 3 });
    expect(await askedAt('2026-03-01T10:00:02.000Z')).toEqual({ position: 4, books: ['b Kim'] });
    expect(await askedAt('2026-03-01T10:00:00.500Z')).toMatchObject({ position: 1 });
  });

  it('asks many pasts at once, none of which touches the present', async () => {
    const runner = await bench.run();
    const min_position = await bench.append(...life);
    const now = await bench.books(runner, { min_position });
    const pasts = await Promise.all(
      [...life, {}].map((_, position) => bench.books(runner, { at: position })),
    );
    expect(pasts.map(({ position }) => position)).toEqual([...life, {}].map((_, index) => index));
    expect(await bench.books(runner)).toEqual(now);
  });

  it('does not let a question write', async () => {
    const runner = await bench.run();
    const min_position = await bench.append(bought('a'));
    const erase = (as: ReadAs) =>
      runner.readModels.ask(lending, as, (manager) => manager.query('delete from book'));

    await expect(erase({ min_position })).rejects.toThrow(/read-only transaction/);
    await expect(erase({ at: 1 })).rejects.toThrow(/cannot delete from view|read-only transaction/);

    expect((await bench.books(runner)).data).toHaveLength(1);
    expect((await bench.books(runner, { at: 1 })).data).toHaveLength(1);
  });

  it.each([
    ['a position beyond the log', 99, 'projections/read-position-ahead'],
    [
      'a moment that has not come',
      '2999-01-01T00:00:00.000Z' as Instant,
      'projections/read-position-ahead',
    ],
    ['half a position', 0.5, 'projections/invalid-read-position'],
    ['a negative position', -1, 'projections/invalid-read-position'],
    ['no time at all', 'yesterday' as Instant, 'projections/invalid-read-position'],
  ])('refuses %s', async (_, past, code) => {
    const runner = await bench.run();
    await bench.append(bought('a'));
    await expect(bench.books(runner, { at: past })).rejects.toMatchObject({ code });
  });

  it('waits for a position that is still to come', async () => {
    const runner = await bench.run();
    await bench.append(bought('a'));
    const answer = bench.books(runner, { min_position: 3 });
    await bench.append(bought('b'), bought('c'));
    expect(await answer).toMatchObject({ position: 3, data: [{}, {}, {}] });
  });

  it('says that it is behind when the position does not come in time', async () => {
    const runner = await bench.run({ waitMs: 50 });
    await bench.append(bought('a'));
    await expect(bench.books(runner, { min_position: 2 })).rejects.toMatchObject({
      code: 'projections/read-model-behind',
      remedy: 'retry',
      retry_after_ms: 1_000,
      wanted: 2,
    });
  });

  it('says so earlier to who does not want to wait as long', async () => {
    const runner = await bench.run({ waitMs: 3_600_000 });
    await bench.append(bought('a'));
    await expect(bench.books(runner, { min_position: 2, waitMs: 50 })).rejects.toMatchObject({
      code: 'projections/read-model-behind',
    });
  });

  it('gives a question one snapshot, whatever is projected meanwhile', async () => {
    const runner = await bench.run();
    const min_position = await bench.append(bought('a'));
    const answer = await runner.readModels.ask(lending, { min_position }, async (manager) => {
      const before = await booksOf(manager);
      await bench.append(bought('b'));
      await bench.polls(3);
      return [before.length, (await booksOf(manager)).length];
    });
    expect(answer).toEqual({ position: min_position, data: [1, 1] });
  });

  it('passes the fault of a question on, and keeps the connection', async () => {
    const runner = await bench.run({ readConnectionsMax: 1 });
    await bench.append(bought('a'));
    for (let time = 0; time < 3; time++)
      await expect(
        runner.readModels.ask(lending, { min_position: 1 }, async (manager) => {
          await manager.query('select 1 / 0').catch(() => undefined);
          throw new RangeError('mine');
        }),
      ).rejects.toThrow(RangeError);
    expect((await bench.books(runner)).data).toHaveLength(1);
  });

  it('answers the present while as many ask for the past as may', async () => {
    const older = await bench.run({ pace: { pastKeptMs: 0 } });
    await bench.append(bought('a'));
    await bench.books(older, { min_position: 1 });
    await older.stop();
    const runner = await bench.run();
    await bench.append(bought('b'));
    await bench.books(runner, { min_position: 2 });

    const { opened, open } = gate();
    let held = 0;
    const past = Promise.allSettled(
      [0, 0, 0, 2, 2, 2, 2, 2, 2].map((moment) =>
        runner.readModels.ask(lending, { at: moment }, () => {
          held++;
          return opened;
        }),
      ),
    );
    await eventually(() => expect(held).toBeGreaterThanOrEqual(4), 30_000);
    const now = await Promise.allSettled([bench.books(runner), bench.books(runner)]);
    open();
    await past;
    expect(now).toMatchObject([{ value: { position: 2 } }, { value: { position: 2 } }]);
  });

  it('names a lost connection, and recovers', async () => {
    const runner = await bench.run();
    await bench.append(bought('a'));
    await expect(
      runner.readModels.ask(lending, { min_position: 1 }, async (manager) => {
        await manager.query('select pg_terminate_backend(pg_backend_pid())');
      }),
    ).rejects.toMatchObject({ code: 'projections/unavailable', remedy: 'retry' });
    expect((await bench.books(runner)).data).toHaveLength(1);
  });

  it('refuses a projection it does not run', async () => {
    const runner = await bench.run();
    const other = { ...lending, name: 'registry.other' };
    await expect(runner.readModels.ask(other, {}, booksOf)).rejects.toMatchObject({
      code: 'projections/invalid-projection',
    });
  });
});
