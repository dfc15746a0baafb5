import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { contextUrl, migrate, type MigrateOptions } from './migrate';
import { PostgresEventStore } from '../postgres-event-store';
import { appendOf, freshStream } from '../testing/sample-appends';
import { LogDatabase, TEST_PASSWORD, TEST_ROLE_PREFIX } from '../testing/log-database';

describe('migrating', () => {
  let database: LogDatabase;
  beforeAll(async () => {
    database = await LogDatabase.create('migrate');
  });
  afterAll(() => database.drop());

  const again = (options: MigrateOptions = {}) =>
    migrate(database.ownerUrl, { rolePrefix: TEST_ROLE_PREFIX, ...options });
  const tables = (schema: string) =>
    database.asOwner(async (owner) => {
      const { rows } = await owner.query<{ name: string }>(
        'select tablename as name from pg_tables where schemaname = $1 order by 1',
        [schema],
      );
      return rows.map(({ name }) => name);
    });

  it('runs what is numbered in that order, whatever numbers are left out', async () => {
    const files = readdirSync(join(__dirname, '..', '..', 'sql')).toSorted();
    const run = await database.asOwner((owner) =>
      owner.query<{ name: string }>('select name from log.migration order by id'),
    );
    expect(run.rows.map(({ name }) => name)).toEqual(
      files.map((file) => `${file.slice(5, -4)}${1_700_000_000_000 + Number(file.slice(0, 4))}`),
    );
  });

  it('again changes nothing', async () => {
    const store = database.store('registry');
    await store.append(appendOf(freshStream(), 0));
    const before = [await tables('log'), await store.head()];
    await again();
    expect([await tables('log'), await store.head()]).toEqual(before);
    await store.append(appendOf(freshStream(), 0));
  });

  it('succeeds for every one of five processes that start at once', async () => {
    const logName = 'second';
    await Promise.all(Array.from({ length: 5 }, () => again({ logName })));
    expect(await tables(logName)).toEqual(await tables('log'));
  });

  it('of several databases at once does not trip over the roles they share', async () => {
    const rolePrefix = `downbeat_${randomBytes(4).toString('hex')}`;
    const databases = await Promise.all([1, 2, 3].map((n) => LogDatabase.create(`roles${n}`)));
    const contexts = ['registry', 'audit'];
    try {
      const passwords = { registry: 'a', audit: 'b' };
      await Promise.all(
        databases.flatMap(({ ownerUrl }, n) =>
          [1, 2].map((m) =>
            migrate(ownerUrl, { rolePrefix, contexts, passwords, logName: `log${n}${m}` }),
          ),
        ),
      );
      const [first] = databases;
      const client = new Client(contextUrl(first?.ownerUrl ?? '', 'registry', 'a', rolePrefix));
      await client.connect();
      await client.end();
    } finally {
      await Promise.all(databases.map((each) => each.drop()));
      await database.asOwner((owner) =>
        owner.query(
          ['log', 'context', ...contexts]
            .map((role) => `drop role ${rolePrefix}_${role}`)
            .join(';'),
        ),
      );
    }
  });

  it('by an owner who is no superuser works, lets that owner read nothing and others call nothing', async () => {
    const name = `downbeat_${randomBytes(4).toString('hex')}`;
    const contexts = ['registry', 'audit'];
    const roles = [...contexts, 'context', 'log'].map((role) => `${name}_${role}`);
    const url = new URL(database.ownerUrl);
    [url.username, url.password, url.pathname] = [name, 'owner', `/${name}`];
    await database.asOwner(async (superuser) => {
      await superuser.query(`create role ${name} login createrole password 'owner'`);
      await superuser.query(`create database ${name} owner ${name}`);
    });
    try {
      const registry = 'a b@/%"';
      for (let times = 0; times < 2; times++)
        await migrate(url.href, { rolePrefix: name, contexts, passwords: { registry } });
      const databaseUrl = contextUrl(url.href, 'registry', registry, name);
      const store = new PostgresEventStore({ databaseUrl, context: 'registry' });
      await store.append(appendOf(freshStream(), 0));
      await store.close();
      const owner = new Client(url.href);
      await owner.connect();
      expect((await owner.query('select from log.event')).rowCount).toBe(0);
      const openToAll = await owner.query(
        `select proname from pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner))) as granted
          where pronamespace = 'log'::regnamespace and grantee = 0`,
      );
      expect(openToAll.rows).toEqual([]);
      await owner.end();
    } finally {
      await database.asOwner(async (superuser) => {
        await superuser.query(`drop database ${name} with (force)`);
        await superuser.query(`drop role ${[...roles, name].join()}`);
      });
    }
  });

  it('keeps logs of different names apart', async () => {
    await again({ logName: 'tenant_b' });
    const [one, other] = [
      database.store('registry'),
      database.store('registry', { logName: 'tenant_b' }),
    ];
    const stream = freshStream();
    await one.append(appendOf(stream, 0, [1, 2]));
    expect((await other.append(appendOf(stream, 0))).position).toBe(1);
  });

  it('leaves the passwords that are not given as they were', async () => {
    await again();
    await database.as('registry', (client) => client.query('select 1'));
  });

  it.each([
    [{ logName: 'Log"; drop table x' }],
    [{ contexts: ['log'] }],
    [{ contexts: ['a-b'] }],
    [{ rolePrefix: 'x"y' }],
    [{ passwords: { registry: 'grüße' } }],
  ])('refuses %j', async (options) => {
    await expect(again(options)).rejects.toThrow(RangeError);
  });

  it('does not wait for another migration for ever', async () => {
    await database.asOwner(async (other) => {
      await other.query(`select pg_advisory_lock(hashtextextended('downbeat.migrate', 0))`);
      await expect(again({ waitMs: 100 })).rejects.toMatchObject({ code: '55P03' });
    });
    await again({ passwords: { registry: TEST_PASSWORD } });
  });
});
