import { Client } from 'pg';
import { appendOf, freshStream } from '../testing/sample-appends';
import { LogDatabase } from '../testing/log-database';
import { verifyChain } from './verify-chain';

/** What a database administrator with bad intentions, or a bad disk, could do to the log. */
describe('a damaged log', () => {
  let database: LogDatabase;
  beforeAll(async () => {
    database = await LogDatabase.create('damage');
    const store = database.store('registry');
    // Commits 1 to 6, events 1 to 12; the texts are beyond ASCII, for lengths are in bytes.
    for (let n = 0; n < 6; n++)
      await store.append({
        ...appendOf(freshStream('gruß-😀'), 0),
        events: [
          { type: 'Geschehen', data: { text: `ä€😀 ${n}\n"` } },
          { type: 'Leer', data: null },
        ],
      });
    await around(
      'create table public.whole_event as table log.event',
      'create table public.whole_commit as table log.commit',
    );
  });
  afterEach(() =>
    around(
      'truncate log.event, log.commit',
      'insert into log.event table public.whole_event',
      'insert into log.commit table public.whole_commit',
    ),
  );
  afterAll(() => database.drop());

  /** Past the triggers, as only a superuser can. */
  const around = (...statements: readonly string[]) =>
    database.asOwner(async (owner: Client) => {
      await owner.query('set session_replication_role = replica');
      for (const statement of statements) await owner.query(statement);
    });

  const damage = (...statements: readonly string[]) =>
    database.asOwner(async (owner: Client) => {
      await owner.query('set session_replication_role = replica');
      for (const statement of statements)
        expect((await owner.query(statement)).rowCount).toBeGreaterThan(0);
    });

  it('is not what a log is at first', async () => {
    const audit = database.audit();
    const head = await audit.headCommit();
    expect(await verifyChain(audit)).toEqual({
      isIntact: true,
      commits: 6,
      events: 12,
      head: head?.hash,
    });
    expect(await verifyChain(audit, { fromCommit: 4 })).toMatchObject({
      isIntact: true,
      commits: 3,
      events: 6,
    });
    expect(head?.hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each<[string, readonly string[], number]>([
    [
      'a byte of data',
      [`update log.event set data = replace(data::text, 'ä', 'a')::json where position = 5`],
      3,
    ],
    ['white space in data', [`update log.event set data = ' null' where position = 4`], 2],
    [
      'the meta',
      [
        `update log.event set meta = replace(meta::text, 'tests', 'nobody')::json where position = 1`,
      ],
      1,
    ],
    ['a type', [`update log.event set type = 'Other' where position = 12`], 6],
    ['a stream', [`update log.event set stream = stream || 'x' where position = 7`], 4],
    [
      'text moved from stream to type',
      [
        `update log.event set stream = left(stream, -1), type = right(stream, 1) || type where position = 7`,
      ],
      4,
    ],
    ['a version', [`update log.event set version = 9 where position = 8`], 4],
    ['a schema version', [`update log.event set schema_version = 2 where position = 8`], 4],
    ['a context', [`update log.event set context = 'health' where position = 8`], 4],
    ['an event id', [`update log.event set event_id = gen_random_uuid() where position = 8`], 4],
    [
      'the time of an event',
      [`update log.event set recorded_at = recorded_at + interval '1 ms' where position = 8`],
      4,
    ],
    [
      'the time of a whole commit',
      [
        `update log.event set recorded_at = recorded_at + interval '1 hour' where commit_no = 6`,
        `update log.commit set recorded_at = recorded_at + interval '1 hour' where commit_no = 6`,
      ],
      6,
    ],
    [
      'a commit turned back in time',
      [`update log.commit set recorded_at = '2000-01-01' where commit_no = 3`],
      3,
    ],
    ['a hash', [`update log.commit set hash = sha256('x') where commit_no = 2`], 2],
    ['an event removed', [`delete from log.event where position = 6`], 3],
    ['the last event removed', [`delete from log.event where position = 12`], 6],
    ['a commit removed', [`delete from log.commit where commit_no = 4`], 4],
    ['the last commit removed', [`delete from log.commit where commit_no = 6`], 6],
    [
      'a commit and its events removed',
      [`delete from log.commit where commit_no = 4`, `delete from log.event where commit_no = 4`],
      4,
    ],
    [
      'an event put in',
      [
        `insert into log.event select 13, commit_no, recorded_at, event_id, 3, 1, context, stream, type, data, meta from log.event where position = 12`,
      ],
      7,
    ],
    [
      'events in another order',
      [
        `update log.event set position = 99 where position = 1`,
        `update log.event set position = 1 where position = 2`,
        `update log.event set position = 2 where position = 99`,
      ],
      1,
    ],
  ])('is found by its chain: %s', async (_, statements, commit) => {
    await damage(...statements);
    const report = await verifyChain(database.audit());
    expect(report).toMatchObject({
      isIntact: false,
      firstBrokenCommit: commit,
      commits: commit - 1,
      detail: expect.stringMatching(/./),
    });
  });

  it('with its end cut off is found with a head that was published before', async () => {
    const audit = database.audit();
    const knownHead = await audit.headCommit();
    if (knownHead === undefined) throw new Error('no commit');
    await damage(
      'delete from log.event where commit_no = 6',
      'delete from log.commit where commit_no = 6',
    );
    expect(await verifyChain(audit)).toMatchObject({ isIntact: true, commits: 5 });
    expect(await verifyChain(audit, { knownHead })).toMatchObject({
      isIntact: false,
      firstBrokenCommit: 6,
    });
    // Another history in its place has another hash.
    await database.store('registry').append(appendOf(freshStream(), 0, [1, 2]));
    expect(await verifyChain(audit, { knownHead })).toMatchObject({
      isIntact: false,
      firstBrokenCommit: 6,
      detail: expect.stringContaining('published'),
    });
  });

  it('never lets time go back, whatever the clock of the server does', async () => {
    const inAnHour = `date_trunc('milliseconds', clock_timestamp()) + interval '1 hour'`;
    await damage(`update log.commit set recorded_at = ${inAnHour} where commit_no = 6`);
    const ahead = (await database.audit().headCommit())?.recorded_at;
    const stream = freshStream();
    await database.store('registry').append(appendOf(stream, 0));
    expect((await database.store('registry').load(stream))[0]?.recorded_at).toBe(ahead);
  });

  it('is an alarm for every reader, not something to pass over', async () => {
    await damage('delete from log.event where position = 6');
    for (const context of ['registry', 'health']) {
      const store = database.store(context);
      for (const after of [0, 5])
        await expect(store.read(after)).rejects.toMatchObject({
          code: 'event-store/log-gap',
          expected: 6,
          found: 7,
        });
      await expect(store.read(6)).rejects.toMatchObject({
        code: 'event-store/log-gap',
        expected: 6,
      });
      expect((await store.read(7)).through).toBe(12);
      expect((await store.read(0, 5)).through).toBe(5);
    }
  });

  it('is not appended to when its end is gone, so that no position is given twice', async () => {
    await damage('delete from log.event where position = 12');
    await expect(
      database.store('registry').append(appendOf(freshStream(), 0)),
    ).rejects.toMatchObject({ code: 'event-store/log-gap', expected: 12, found: 11 });
  });
});
