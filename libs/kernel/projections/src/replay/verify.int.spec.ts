import { eventually } from '@downbeat/event-store/testing';
import { bought, lent, moved, sold } from '../testing/lending';
import { LendingBench } from '../testing/lending-bench';

const at = '2026-03-01T09:30:00.000Z';

describe('verifying a read model, on real Postgres', () => {
  let bench: LendingBench;
  beforeAll(async () => {
    bench = await LendingBench.start('verify');
  });
  afterEach(() => bench.reset());
  afterAll(() => bench.stop());

  const stocked = async (options: Parameters<typeof bench.run>[0] = {}) => {
    const runner = await bench.run(options);
    for (let book = 0; book < 20; book++)
      await bench.append(bought(`b${book}`), lent(`b${book}`, 'Kim', at));
    await bench.append(moved('b1', 'top', 'low'), sold('b2'));
    await bench.books(runner, { min_position: bench.head });
    return runner;
  };

  it('finds an honest one equal', async () => {
    const runner = await stocked();
    const verified = await runner.verify('registry.lending');
    expect(verified).toEqual({
      name: 'registry.lending',
      is_equal: true,
      position: bench.head,
      tables: [
        {
          table: 'book',
          rows: 19,
          live_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
          rebuilt_hash: verified.tables[0]?.live_hash,
        },
        {
          table: 'shelf',
          rows: 2,
          live_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
          rebuilt_hash: verified.tables[1]?.live_hash,
        },
      ],
      moments: expect.any(Array),
    });
    expect(verified.moments.length).toBeGreaterThan(0);
    expect(verified.moments.every(({ is_equal }) => is_equal)).toBe(true);
  });

  it('needs no second connection while it holds one', async () => {
    const runner = await stocked({ readConnectionsMax: 1 });
    const verified = await runner.verify('registry.lending');
    expect(verified).toMatchObject({ is_equal: true, position: bench.head });
    expect(verified.moments.length).toBeGreaterThan(0);
  });

  it('gives up its place when the time of who asked is over', async () => {
    const runner = await stocked({ readConnectionsMax: 1 });
    await expect(runner.verify('registry.lending', 0)).rejects.toMatchObject({
      code: 'projections/rebuilds-overloaded',
    });
    expect(await runner.verify('registry.lending')).toMatchObject({ is_equal: true });
  });

  it.each([
    ['a changed value', `update book_v1 set wear = wear + 1e-9 where book = 'b7'`, 'book'],
    ['a missing row', `delete from shelf_v1 where shelf = 'low'`, 'shelf'],
    ['a row too many', `insert into shelf_v1 values ('ghost', 1)`, 'shelf'],
    ['a null', `update book_v1 set borrower = null where book = 'b7'`, 'book'],
  ])('finds %s', async (_, tampering, table) => {
    const runner = await stocked();
    await bench.sql(tampering);
    const { is_equal, tables } = await runner.verify('registry.lending');
    const different = tables.filter(({ live_hash, rebuilt_hash }) => live_hash !== rebuilt_hash);
    expect({ is_equal, different: different.map((found) => found.table) }).toEqual({
      is_equal: false,
      different: [table],
    });
  });

  it.each([
    ['changed', 'update book_v1_was set times_lent = 41'],
    ['lost', 'delete from book_v1_was'],
    ['made longer', 'update book_v1_was set "_until" = 999'],
  ])('finds a past that was %s', async (_, tampering) => {
    const runner = await bench.run();
    for (let time = 0; time < 5; time++) {
      await bench.append(time === 0 ? bought('a') : lent('a', 'Kim', at));
      await bench.books(runner, { min_position: bench.head });
    }
    await bench.sql(tampering);
    // Some moment of three is one before the last change of the row.
    const { is_equal, tables, moments } = await runner.verify('registry.lending');
    expect(tables.every(({ live_hash, rebuilt_hash }) => live_hash === rebuilt_hash)).toBe(true);
    expect({ is_equal, moments: moments.some((one) => !one.is_equal) }).toEqual({
      is_equal: false,
      moments: true,
    });
  });

  it('reads rows and checkpoint in one snapshot', async () => {
    const runner = await stocked();
    await runner.stop();
    const idle = await bench.run({ pace: { pollMs: 60_000, recordPollMs: 60_000 } });
    await bench.books(idle);

    const verified = await bench.database.asOwner(async (owner) => {
      await owner.query('set search_path = registry; begin; lock table book_v1');
      const verifying = idle.verify('registry.lending');
      await eventually(async () => expect(await bench.lockWaiters()).toBe(1));
      // What a projector would commit while the rows are about to be read.
      await owner.query(`insert into shelf_v1 values ('new', 1);
        update projection set checkpoint = checkpoint + 1; commit`);
      return verifying;
    });
    expect(verified).toMatchObject({ is_equal: true, position: bench.head });
  });

  it('finds it equal while events keep coming', async () => {
    const runner = await stocked();
    let isOver = false;
    const writing = (async () => {
      for (let book = 0; !isOver; book++) {
        await bench.append(bought(`n${book}`));
        await bench.books(runner, { min_position: bench.head });
      }
    })();
    const before = runner.status()[0]?.position ?? 0;
    for (let time = 0; time < 5; time++)
      expect(await runner.verify('registry.lending')).toMatchObject({ is_equal: true });
    isOver = true;
    await writing;
    expect(runner.status()[0]?.position).toBeGreaterThan(before);
  });
});
