import { Pool } from 'pg';
import type { Upcasters } from './upcast';
import { LocalHints } from '../testing/local-hints';
import { LogDatabase } from '../testing/log-database';
import { appendOf, freshStream } from '../testing/sample-appends';

describe('readers that follow the log one behind the other', () => {
  let database: LogDatabase;
  beforeEach(async () => {
    database = await LogDatabase.create('shared_reads');
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await database.drop();
  });

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
    const third = await reader.read(4);

    expect(first).toMatchObject({ events: [{ position: 1 }, { position: 2 }], through: 4 });
    expect(second).toMatchObject({ events: [{ position: 2 }], through: 4 });
    expect(third).toMatchObject({ events: [{ position: 5 }], through: 5 });
    expect(asked()).toEqual([
      [0, 1_000],
      [4, 1_000],
    ]);
  });

  it('fetch the rest as well when they were told that there is one', async () => {
    const hints = new LocalHints();
    const reader = database.store('registry', { hints });
    const other = database.store('registry', { hints });
    await other.append(appendOf(freshStream(), 0, [1, 2]));
    await reader.read(0);
    await other.append(appendOf(freshStream(), 0, [3]));
    expect(await reader.read(1)).toMatchObject({
      events: [{ position: 2 }, { position: 3 }],
      through: 3,
    });
  });

  it('do not fetch what this process appended, and read it as everyone does', async () => {
    const upcasters: Upcasters = {
      Happened: { 1: (event) => ({ ...event, schema_version: 2, data: { was: event.data } }) },
    };
    const appender = database.store('registry', { upcasters });
    const stranger = database.store('registry', { upcasters });
    const asked = questions();
    await Promise.all([
      appender.append(appendOf(freshStream(), 0, [1, 2])),
      appender.append({
        ...appendOf(freshStream(), 0),
        events: [{ type: 'Noted', data: { text: 'ü "quoted" \\ back', deep: [null, 1.5e-7] } }],
      }),
    ]);
    const stream = freshStream();
    await appender.append(appendOf(stream, 0, [5]));
    await appender.append(appendOf(stream, 1, [6, 7]));
    const own = await appender.read(0);
    expect(asked()).toEqual([]);
    expect(own.through).toBe(6);
    expect(JSON.stringify(own)).toBe(JSON.stringify(await stranger.read(0)));
  });

  it('fetch what somebody else appended between two appends of this process', async () => {
    const [appender, other] = [database.store('registry'), database.store('registry')];
    await appender.append(appendOf(freshStream(), 0, [1]));
    await other.append(appendOf(freshStream(), 0, [2]));
    await appender.append(appendOf(freshStream(), 0, [3]));
    expect((await appender.read(0)).events.map(({ position }) => position)).toEqual([1, 2, 3]);
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
    await database.asOwner(async (owner) => {
      await owner.query('set session_replication_role = replica');
      await owner.query('delete from log.event where position > 1');
    });
    expect(await reader.read(0)).toMatchObject({ through: 3 });
    await expect(reader.read(3)).rejects.toMatchObject({ name: 'LogGap' });
  });
});
