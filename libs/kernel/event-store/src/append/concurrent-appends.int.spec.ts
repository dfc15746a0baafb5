import type { StreamName } from '@downbeat/eventsourcing';
import { Client } from 'pg';
import { verifyChain } from '../audit/verify-chain';
import { appendOf, command, freshStream, meta } from '../testing/sample-appends';
import { eventually } from '@downbeat/local-servers/testing';
import { LogDatabase } from '../testing/log-database';

describe('many writers on one log', () => {
  let database: LogDatabase;
  beforeAll(async () => {
    database = await LogDatabase.create('concurrent');
  });
  afterAll(() => database.drop());

  const statementsWaiting = () =>
    database.asOwner(async (owner) => {
      const { rows } = await owner.query<{ pid: number }>(
        `select pid from pg_stat_activity where datname = current_database() and wait_event = 'advisory'`,
      );
      return rows.length;
    });

  it('get positions without gaps, in the order of commits, whatever process they are in', async () => {
    const stores = ['registry', 'health', 'registry', 'saga'].map((name) => database.store(name));
    const writers = stores.flatMap((store) => [store, store, store, store]);
    const acknowledged = await Promise.all(
      writers.map(async (store) => {
        const [stream, positions] = [freshStream(), [] as number[]];
        for (let version = 0; version < 100; version += 2) {
          const { position } = await store.append(appendOf(stream, version, [1, 2]));
          positions.push(position - 1, position);
        }
        return positions;
      }),
    );

    const all = acknowledged.flat().sort((a, b) => a - b);
    expect(all).toEqual(Array.from({ length: 1_600 }, (_, index) => index + 1));
    for (const positions of acknowledged)
      expect(positions).toEqual([...positions].sort((a, b) => a - b));
    const report = await verifyChain(database.audit());
    expect(report).toMatchObject({ isIntact: true, events: 1_600 });
    // Group commit: 16 writers in 4 processes share far fewer transactions.
    expect(report.commits).toBeLessThan(800);
  });

  it('never have two open transactions inside the numbering', async () => {
    const store = database.store('registry');
    const before = await store.head();
    await database.as('registry', async (first) => {
      await first.query('begin');
      await appendByHand(first, freshStream());
      const second = store.append(appendOf(freshStream(), 0));
      await eventually(async () => expect(await statementsWaiting()).toBe(1));
      expect(await store.head()).toBe(before);
      await first.query('commit');
      expect((await second).position).toBe(before + 2);
    });
  });

  it('give a position back that was not committed', async () => {
    const store = database.store('registry');
    const before = await store.head();
    await database.as('registry', async (client) => {
      await client.query('begin');
      await appendByHand(client, freshStream());
      await client.query('rollback');
    });
    expect((await store.append(appendOf(freshStream(), 0))).position).toBe(before + 1);
    expect((await store.read(before)).through).toBe(before + 1);
  });

  it('are read at once while some other session keeps a transaction open', async () => {
    const store = database.store('registry');
    await database.asOwner(async (idle) => {
      await idle.query('begin');
      await idle.query('create table unrelated (n integer)');
      await idle.query('insert into unrelated values (1)');
      const { position } = await store.append(appendOf(freshStream(), 0));
      expect((await store.read(position - 1)).through).toBe(position);
      await idle.query('rollback');
    });
  });

  it('refuse to append on a snapshot that is older than the line', async () => {
    await database.as('registry', async (client) => {
      await client.query('begin isolation level repeatable read');
      await expect(appendByHand(client, freshStream())).rejects.toMatchObject({ code: '25001' });
      await client.query('rollback');
    });
  });

  it('lose nothing to one append that only the database finds wrong', async () => {
    await database.asOwner((owner) =>
      owner.query(`alter table log.event add constraint no_poison check (type <> 'Poison')`),
    );
    const store = database.store('registry');
    const streams = Array.from({ length: 40 }, () => freshStream());
    const outcomes = await Promise.allSettled(
      streams.map((stream, n) =>
        store.append({
          ...appendOf(stream, 0, [n], command(n)),
          ...(n % 13 === 7 && { events: [{ type: 'Poison', data: n }] }),
        }),
      ),
    );
    const failed = outcomes.flatMap(({ status }, n) => (status === 'rejected' ? [n] : []));
    expect(failed).toEqual([7, 20, 33]);
    expect(outcomes[7]).toMatchObject({ reason: { code: 'event-store/append-refused' } });
    for (const [n, stream] of streams.entries())
      expect(await store.load(stream)).toHaveLength(failed.includes(n) ? 0 : 1);
  });

  it('never share a flush with another append to the same stream, and keep its order', async () => {
    const [store, stream] = [database.store('registry'), freshStream()];
    const numbers = Array.from({ length: 30 }, (_, n) => n);
    await Promise.all(numbers.map((n) => store.append(appendOf(stream, n, [n]))));
    expect((await store.load(stream)).map(({ data }) => data)).toEqual(numbers.map((n) => ({ n })));
  });

  it('are turned away when too many wait', async () => {
    const store = database.store('registry', { waitingMax: 5 });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 7 }, () => store.append(appendOf(freshStream(), 0))),
    );
    expect(outcomes.map(({ status }) => status)).toEqual([
      ...Array.from({ length: 5 }, () => 'fulfilled'),
      'rejected',
      'rejected',
    ]);
    expect(outcomes[6]).toMatchObject({ reason: { code: 'event-store/overloaded' } });
    await store.append(appendOf(freshStream(), 0));
  });
});

/** One append the way the store sends it, on a connection whose transaction the test holds open. */
async function appendByHand(client: Client, stream: StreamName): Promise<void> {
  await client.query(
    `select * from log.append_many('registry', array[$1], '{0}', '{1}', array[$2::json], '{null}',
       '{null}', '{null}', '{null}', '{null}', '{null}', '{null}', '{null}',
       array[gen_random_uuid()], '{Happened}', '{1}', array['{}'::json])`,
    [stream, JSON.stringify(meta)],
  );
}
