import type { LogSlice } from '@downbeat/event-store';
import type { Pool } from 'pg';
import { commitBatch, type Batch } from './batch';
import { openWritePool } from '../database';
import { versionedTable } from '../tables/definition';
import { TableSet } from '../rows/table-set';
import { recorded } from '../testing/given-table';
import { bought, lending, lent } from '../testing/lending';
import { LendingBench } from '../testing/lending-bench';

const at = '2026-03-01T09:30:00.000Z';

describe('one batch, on real Postgres', () => {
  let bench: LendingBench;
  let pool: Pool;
  beforeAll(async () => {
    bench = await LendingBench.start('batch');
  });
  beforeEach(async () => {
    const runner = await bench.run();
    await bench.append(bought('a'), lent('a', 'Kim', at));
    await bench.books(runner, { min_position: 2 });
    await runner.stop();
    pool = openWritePool(
      { url: bench.database.urlOf('registry'), schema: 'registry' },
      1,
      () => undefined,
    );
  });
  afterEach(async () => {
    await pool.end();
    await bench.reset();
  });
  afterAll(() => bench.stop());

  const tables = new TableSet(lending, (shape) => versionedTable(shape, 1));
  const again: LogSlice = { through: 2, events: [recorded(lent('a', 'Kim', at), 2)] };
  const commit = (batch: Partial<Batch>) =>
    commitBatch(
      lending,
      tables,
      {
        after: 2,
        slice: { events: [], through: 2 },
        saved: 2,
        state: 'live',
        careful: false,
        ...batch,
      },
      { pool },
    );
  const state = () =>
    bench.sql('select times_lent::int, checkpoint::int from book_v1, projection where version = 1');

  it('is left alone when another replica has applied it meanwhile', async () => {
    expect(await commit({ after: 1, slice: again, saved: 1 })).toEqual({
      outcome: 'elsewhere',
      checkpoint: 2,
    });
    expect(await state()).toEqual([{ times_lent: 1, checkpoint: 2 }]);
  });

  it('is left alone when the checkpoint went back', async () => {
    const slice = { through: 4, events: [recorded(lent('a', 'Kim', at), 4)] };
    expect(await commit({ after: 3, slice, saved: 3 })).toEqual({
      outcome: 'elsewhere',
      checkpoint: 2,
    });
    expect(await state()).toEqual([{ times_lent: 1, checkpoint: 2 }]);
  });

  it('is left alone when the version is live by now, and what memory holds may be old', async () => {
    const slice = { through: 3, events: [recorded(lent('a', 'Kim', at), 3)] };
    expect(await commit({ slice, state: 'building' })).toMatchObject({ outcome: 'elsewhere' });
    expect(await state()).toEqual([{ times_lent: 1, checkpoint: 2 }]);
  });

  it('goes on over positions that were found to be of no concern', async () => {
    const slice = { through: 9, events: [recorded(lent('a', 'Lee', at), 9)] };
    expect(await commit({ after: 7, slice })).toEqual({ outcome: 'committed', parked: 0 });
    expect(await state()).toEqual([{ times_lent: 2, checkpoint: 9 }]);
  });

  it('is never committed when its events are not all of its positions', async () => {
    const slice = {
      through: 3,
      events: [3, 4].map((position) => recorded(lent('a', 'Lee', at), position)),
    };
    await expect(commit({ slice })).rejects.toMatchObject({ code: 'projections/invariant-broken' });
    expect(await state()).toEqual([{ times_lent: 1, checkpoint: 2 }]);
  });

  it('is never committed after its version was retired', async () => {
    await bench.sql(`update projection set state = 'retired'`);
    expect(await commit({})).toEqual({ outcome: 'locked' });
  });
});
