import { appendOf, command, freshStream } from '../testing/sample-appends';
import { LogDatabase } from '../testing/log-database';

describe('the rights in the log', () => {
  let database: LogDatabase;
  const [mine, foreign] = [freshStream(), freshStream('check')];
  beforeAll(async () => {
    database = await LogDatabase.create('rights');
    const receipt = { consumer: 'c', source: 'saga', number: 1 };
    for (const [context, stream] of [
      ['registry', mine],
      ['health', foreign],
    ] as const)
      await database
        .store(context)
        .append(appendOf(stream, 0, [1, 2], { ...command(1, `${context}-1`), receipt }));
  });
  afterAll(() => database.drop());

  const ask = (context: string, text: string) =>
    database.as(context, async (client) => (await client.query<{ n: string }>(text)).rows);

  it.each(['event', 'command_answer', 'receipt'])(
    "let a context see its own rows of %s and nobody else's",
    async (table) => {
      const contexts = await ask('registry', `select distinct context as n from log.${table}`);
      expect(contexts).toEqual([{ n: 'registry' }]);
    },
  );

  it('let the audit see every event', async () => {
    const contexts = await ask('audit', `select distinct context as n from log.event order by 1`);
    expect(contexts).toEqual([{ n: 'health' }, { n: 'registry' }]);
  });

  it.each([
    'insert into log.event select * from log.event',
    'update log.event set type = type',
    'delete from log.event',
    'truncate log.event',
    'select from log.commit',
    'select from log.stream_lease',
    'select from log.lease_owner',
    'insert into log.receipt select * from log.receipt',
    'update log.command_answer set version = 9',
    'alter table log.event disable trigger all',
    'create table log.mine (n integer)',
    'create table health.mine (n integer)',
    'set role downbeat_test_log',
    'set role downbeat_test_health',
    'set session authorization downbeat_test_health',
    'select log.stand_in_line()',
  ])('refuse a context: %s', async (statement) => {
    await expect(ask('registry', statement)).rejects.toMatchObject({ code: '42501' });
  });

  it.each(['registry', 'health'])(
    'let the role of registry append as registry, not as %s',
    async (context) => {
      const appending = ask(
        'registry',
        `select outcome as n from log.append_many('${context}', '{by-hand-${context}}', '{0}', '{0}',
         array['{}']::json[], '{null}', '{null}', '{null}', '{null}', '{null}', '{null}', '{null}',
         '{null}', '{}', '{}', '{}', '{}')`,
      );
      if (context === 'registry') expect(await appending).toEqual([{ n: 'appended' }]);
      else await expect(appending).rejects.toMatchObject({ code: '42501' });
    },
  );

  it('let a store of another context than its role do nothing', async () => {
    const wrong = database.store('health', { databaseUrl: database.urlOf('registry') });
    await expect(wrong.append(appendOf(freshStream(), 0))).rejects.toMatchObject({
      code: 'event-store/append-refused',
    });
  });

  it('let a context keep tables in the schema of its own', async () => {
    await ask('registry', 'create table registry.services (n integer)');
    await ask('registry', 'drop table registry.services');
  });

  it.each([
    "update log.event set type = 'Other'",
    'delete from log.event where position = 1',
    'truncate log.event',
    'update log.commit set last = 99',
    'delete from log.commit',
    'truncate log.commit',
  ])('refuse even a superuser: %s', async (statement) => {
    await expect(database.asOwner((owner) => owner.query(statement))).rejects.toMatchObject({
      code: 'DB002',
    });
    expect(await database.store('registry').load(mine)).toHaveLength(2);
  });

  it('bind the owner of the tables, who is no superuser, too', async () => {
    await database.asOwner(async (owner) => {
      await owner.query(`begin; create role downbeat_table_owner;
        grant usage on schema log to downbeat_table_owner;
        alter table log.event owner to downbeat_table_owner; set role downbeat_table_owner`);
      expect((await owner.query('select from log.event')).rowCount).toBe(0);
      await expect(
        owner.query(
          `insert into log.event values (99, 1, now(), gen_random_uuid(), 1, 1, 'registry', 's', 'T', '1', '{}')`,
        ),
      ).rejects.toMatchObject({ code: '42501' });
      await owner.query('rollback');
    });
  });

  it('need the password that was set', async () => {
    const url = database.urlOf('registry').replace('downbeat-test@', 'wrong@');
    const store = database.store('registry', { databaseUrl: url });
    await expect(store.head()).rejects.toMatchObject({ code: 'event-store/unavailable' });
  });
});
