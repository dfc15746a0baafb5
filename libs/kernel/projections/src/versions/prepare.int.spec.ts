import { eventually } from '@downbeat/event-store/testing';
import { bought, lent } from '../testing/lending';
import { LendingBench } from '../testing/lending-bench';

const at = '2026-03-01T09:30:00.000Z';

describe('tables of an earlier release, on real Postgres', () => {
  let bench: LendingBench;
  beforeAll(async () => {
    bench = await LendingBench.start('prepare');
  });
  afterEach(() => bench.reset());
  afterAll(() => bench.stop());

  it.each(['book_v1', 'projection'])(
    'are changed without keeping others from %s while somebody reads it for long',
    async (table) => {
      const earlier = await bench.run();
      await bench.append(bought('a'));
      await bench.books(earlier, { min_position: 1 });
      await earlier.stop();
      await bench.sql(`drop table book_v1_was, shelf_v1_was, projection_moment;
        alter table book_v1 drop column "_since"; alter table shelf_v1 drop column "_since";
        alter table projection drop column past_from, drop column past_through`);

      const starting = await bench.database.asOwner(async (reader) => {
        await reader.query(`set search_path = registry; begin; select from ${table}`);
        const started = bench.run();
        // What is thrown is met below.
        started.catch(() => undefined);
        await eventually(async () => expect(await bench.lockWaiters()).toBe(1), 30_000);
        await bench.sql(`set statement_timeout = 20000; select from ${table}`);
        await reader.query('commit');
        return { started };
      });
      const now = await starting.started;
      await bench.append(lent('a', 'Kim', at));
      expect((await bench.books(now, { min_position: 2 })).data).toMatchObject([
        { borrower: 'Kim' },
      ]);
    },
  );
});
