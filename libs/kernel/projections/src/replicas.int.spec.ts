import { eventually } from '@downbeat/event-store/testing';
import { bought, lent } from './testing/lending';
import { gate } from './testing/gate';
import { LendingBench } from './testing/lending-bench';
import type { ProjectionRunnerOptions } from './projection-runner';

const at = '2026-03-01T09:30:00.000Z';

/** Lets a batch come to just before its commit, and holds it there until it is told to go on. */
function door() {
  const [arrived, opened] = [gate(), gate()];
  const onCrashPoint: NonNullable<ProjectionRunnerOptions['onCrashPoint']> = async (point) => {
    if (point !== 'projector.before-commit') return;
    arrived.open();
    await opened.opened;
  };
  return { open: opened.open, arrived: arrived.opened, onCrashPoint };
}

describe('replicas of a projector, on real Postgres', () => {
  let bench: LendingBench;
  beforeAll(async () => {
    bench = await LendingBench.start('replicas');
  });
  afterEach(() => bench.reset());
  afterAll(() => bench.stop());

  const killTheOwner = () =>
    bench.sql(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and state = 'idle in transaction'`);

  it('have one owner at a time, and another when it is gone', async () => {
    const { books } = bench;
    const first = await bench.run();
    await books.call(bench, first, { min_position: await bench.append(bought('a')) });
    await first.stop();

    const held = door();
    const owner = await bench.run({ onCrashPoint: held.onCrashPoint });
    await bench.append(lent('a', 'Kim', at));
    await held.arrived;
    // The owner stands in the middle of its batch: a second replica must not apply it as well.
    const second = await bench.run();
    await bench.polls(5);
    expect((await bench.books(second)).data).toMatchObject([{ times_lent: 0 }]);
    // It steps back instead of queueing for the owner's row.
    expect(await bench.lockWaiters()).toBe(0);

    await killTheOwner();
    held.open();
    const min_position = await bench.append(lent('a', 'Lee', at));
    expect((await bench.books(second, { min_position })).data).toMatchObject([
      { times_lent: 2, borrower: 'Lee' },
    ]);
    await eventually(() => expect(owner.status()[0]).toMatchObject({ lag: 0, state: 'live' }));
  });

  it('apply every event once while all of them work and the batches are killed', async () => {
    const runners = await Promise.all([bench.run(), bench.run(), bench.run()]);
    await bench.append(bought('a'));
    const rounds = 40;
    for (let round = 1; round <= rounds; round++) {
      await bench.append(lent('a', `reader ${round}`, at));
      if (round % 5 === 0) await killTheOwner();
      if (round % 10 === 0) await bench.books(runners[0], { min_position: bench.head });
    }
    const min_position = bench.head;
    for (const runner of runners)
      expect((await bench.books(runner, { min_position })).data).toMatchObject([
        { times_lent: rounds, borrower: `reader ${rounds}` },
      ]);
  });

  it('apply nothing twice when the process dies between folding and committing', async () => {
    const runner = await bench.run();
    await bench.books(runner, { min_position: await bench.append(bought('a')) });
    await runner.stop();
    let deaths = 0;
    const dying = await bench.run({
      onCrashPoint: async (point) => {
        if (point === 'projector.before-commit' && ++deaths <= 3) await killTheOwner();
      },
    });
    const min_position = await bench.append(lent('a', 'Kim', at));
    const { data } = await bench.books(dying, { min_position });
    expect(deaths).toBe(4);
    expect(data).toMatchObject([{ times_lent: 1 }]);
  });

  it('apply nothing twice when the process dies just after committing', async () => {
    const runner = await bench.run();
    await bench.books(runner, { min_position: await bench.append(bought('a')) });
    await runner.stop();
    let deaths = 0;
    const dying = await bench.run({
      onCrashPoint: (point) => {
        if (point === 'projector.after-commit' && ++deaths <= 1) throw new Error('died');
      },
    });
    const min_position = await bench.append(lent('a', 'Kim', at));
    expect((await bench.books(dying, { min_position })).data).toMatchObject([{ times_lent: 1 }]);
    expect(
      (await bench.books(dying, { min_position: await bench.append(lent('a', 'Lee', at)) })).data,
    ).toMatchObject([{ times_lent: 2 }]);
  });

  it('outlive a database that ends all connections', async () => {
    const runner = await bench.run();
    await bench.books(runner, { min_position: await bench.append(bought('a')) });
    await bench.sql(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`);
    const min_position = await bench.append(bought('b'));
    await eventually(async () =>
      expect((await bench.books(runner, { min_position })).data).toHaveLength(2),
    );
  });

  it('finish the batch under way before they stop', async () => {
    const runner = await bench.run();
    await bench.books(runner, { min_position: await bench.append(bought('a')) });
    await runner.stop();
    const held = door();
    const stopping = await bench.run({ onCrashPoint: held.onCrashPoint });
    await bench.append(lent('a', 'Kim', at));
    await held.arrived;
    const stopped = stopping.stop();
    held.open();
    await stopped;
    expect(await bench.sql('select times_lent from book')).toEqual([{ times_lent: '1' }]);
  });
});
