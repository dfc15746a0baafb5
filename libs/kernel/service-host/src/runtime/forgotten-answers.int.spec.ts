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

  it('are not forgotten within a day, nor by those who are not the log', async () => {
    await expect(new ForgottenAnswers(pool, 'log', 0.5).turn()).rejects.toMatchObject({
      code: '22023',
    });
    await expect(pool.query('delete from log.command_answer')).rejects.toMatchObject({
      code: '42501',
    });
  });
});
