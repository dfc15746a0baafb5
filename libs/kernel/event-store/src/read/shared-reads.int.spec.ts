import { Pool } from 'pg';
import { LogDatabase } from '../testing/log-database';
import { appendOf, freshStream } from '../testing/sample-appends';

describe('readers that follow the log one behind the other', () => {
  let database: LogDatabase;
  beforeEach(async () => {
    database = await LogDatabase.create('shared_reads');
  });
  afterEach(() => database.drop());

  /** What was asked of the database: after which position, and how many at most. */
  const questions = () => {
    const query = jest.spyOn(Pool.prototype, 'query');
    return () =>
      query.mock.calls.flatMap(([config]) => {
        const { name, values } = config as unknown as { name?: string; values: unknown };
        return name === 'read' ? [values] : [];
      });
  };

  it('fetch an event once, and what others appended meanwhile all the same', async () => {
    const [reader, other] = [database.store('registry'), database.store('registry')];
    const health = database.store('health');
    await other.append(appendOf(freshStream(), 0, [1, 2]));
    await health.append(appendOf(freshStream(), 0, [3, 4]));
    const asked = questions();

    const first = await reader.read(0);
    await other.append(appendOf(freshStream(), 0, [5]));
    const second = await reader.read(1);
    const third = await reader.read(3);

    expect(first).toMatchObject({ events: [{ position: 1 }, { position: 2 }], through: 4 });
    expect(second).toMatchObject({ events: [{ position: 2 }, { position: 5 }], through: 5 });
    expect(third).toMatchObject({ events: [{ position: 5 }], through: 5 });
    expect(second.events).toEqual((await other.read(1)).events);
    expect(asked().slice(0, 3)).toEqual([
      [0, 1_000],
      [4, 997],
      [5, 998],
    ]);
  });

  it('get no more than they ask for', async () => {
    const reader = database.store('registry');
    await reader.append(appendOf(freshStream(), 0, [1, 2, 3]));
    await reader.read(0);
    expect(await reader.read(0, 2)).toMatchObject({
      events: [{ position: 1 }, { position: 2 }],
      through: 2,
    });
    expect(await reader.read(1, 1)).toMatchObject({ events: [{ position: 2 }], through: 2 });
  });

  it('meet the damage of a log that became an older copy', async () => {
    const reader = database.store('registry');
    await reader.append(appendOf(freshStream(), 0, [1, 2, 3]));
    await reader.read(0);
    await database.asOwner(async (owner) => {
      await owner.query('set session_replication_role = replica');
      await owner.query('delete from log.event where position > 1');
    });
    for (const after of [0, 1, 3])
      await expect(reader.read(after)).rejects.toMatchObject({ name: 'LogGap' });
  });
});
