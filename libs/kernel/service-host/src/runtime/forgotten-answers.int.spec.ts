import { LogDatabase } from '@downbeat/event-store/testing';
import type { StreamName } from '@downbeat/eventsourcing';
import { ContextPool } from './context-pool';
import { ForgottenAnswers } from './forgotten-answers';

const KEPT_DAYS = 7;

describe('answers of commands', () => {
  let database: LogDatabase;
  let pool: ContextPool;
  let forgotten: ForgottenAnswers;
  const meta = { correlation_id: 'c', causation_id: 'm', actor: 'tests' };
  const answer = async (context: string, id: string, ageDays: number) => {
    const stream = `${context}-${id}` as StreamName;
    const command = { id, answer: { id } };
    await database.store(context).append({ stream, expected: 0, events: [], meta, command });
    await database.asOwner((owner) =>
      owner.query(
        `update log.command_answer set recorded_at = clock_timestamp() - $2 * interval '1 day'
          where command_id = $1`,
        [id, ageDays],
      ),
    );
  };
  const left = () =>
    database.asOwner(async (owner) => {
      const { rows } = await owner.query<{ command_id: string }>(
        'select command_id from log.command_answer order by 1',
      );
      return rows.map(({ command_id }) => command_id);
    });

  beforeEach(async () => {
    database = await LogDatabase.create('forgotten');
    pool = new ContextPool(database.urlOf('saga'), 'saga');
    forgotten = new ForgottenAnswers(pool, 'log', KEPT_DAYS);
  });
  afterEach(async () => {
    await pool.close();
    await database.drop();
  });

  it('are forgotten when they are old, those of the own context', async () => {
    await answer('saga', 'old', KEPT_DAYS + 0.1);
    await answer('saga', 'new', KEPT_DAYS - 0.1);
    await answer('health', 'foreign', 100);
    expect(await forgotten.turn()).toBe(1);
    expect(await left()).toEqual(['foreign', 'new']);
    expect(await database.store('saga').answerOf('old')).toBeUndefined();
    expect(await forgotten.turn()).toBe(0);
  });

  it('are forgotten some at a time, until none is left that is old', async () => {
    await database.asOwner((owner) =>
      owner.query(
        `insert into log.command_answer (context, command_id, stream, version, position, answer, recorded_at)
         select 'saga', 'c-' || n, 's', 1, 1, '{}', now() - interval '1 year' from generate_series(1, 12000) n`,
      ),
    );
    expect(await forgotten.turn()).toBe(12_000);
  });

  it('cost next to nothing to look for when none is old, whatever was forgotten before', async () => {
    const written = (id: string, age: string) =>
      database.asOwner((owner) =>
        owner.query(
          `insert into log.command_answer (context, command_id, stream, version, position, answer, recorded_at)
           select case when n % 5 = 0 then 'health' else 'saga' end, $1 || n, 's', 1, 1, '{}',
                  clock_timestamp() - $2::interval + n * interval '1 millisecond'
             from generate_series(1, 20000) n`,
          [id, age],
        ),
      );
    // What is new takes the place of what was forgotten, beside a foreign row that is as old.
    for (const id of ['first', 'second', 'third']) {
      await written(id, `${KEPT_DAYS + 1} days`);
      await written(`${id}-kept`, '1 hour');
      expect(await forgotten.turn()).toBe(16_000);
      await database.asOwner((owner) => owner.query('vacuum log.command_answer'));
    }
    await database.as('saga', async (client) => {
      await client.query('begin');
      const { rows: turns } = await client.query<{ forgotten: number }>(
        'select log.forget_answers($1, 5000) as forgotten',
        [KEPT_DAYS],
      );
      expect(turns).toEqual([{ forgotten: 0 }]);
      const { rows } = await client.query<{ pages: string }>(
        `select sum(pg_stat_get_xact_blocks_fetched(c.oid)) as pages from pg_class c
          where c.oid = 'log.command_answer'::regclass
             or c.oid in (select indexrelid from pg_index where indrelid = 'log.command_answer'::regclass)`,
      );
      const pages = Number(rows[0]?.pages);
      expect(pages).toBeGreaterThan(0);
      expect(pages).toBeLessThan(20);
      await client.query('rollback');
    });
  });

  it('are not forgotten within a day, nor by those who are not the log', async () => {
    await expect(new ForgottenAnswers(pool, 'log', 0.5).turn()).rejects.toMatchObject({
      code: '22023',
    });
    await expect(pool.query('delete from log.command_answer')).rejects.toMatchObject({
      code: '42501',
    });
  });
});
