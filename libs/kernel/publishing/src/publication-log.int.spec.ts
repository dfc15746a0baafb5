import { migrate } from '@downbeat/event-store';
import { TEST_ROLE_PREFIX } from '@downbeat/event-store/testing';
import { PublicationLog } from './publication-log';
import { PostgresReceipts } from './receipts';
import { publications, PublishedLog } from './testing/published-log';

jest.setTimeout(60_000);

describe('the numbered publications of a context, on real Postgres', () => {
  let log: PublishedLog;
  beforeEach(async () => (log = await PublishedLog.create('numbers')));
  afterEach(() => log.stop());

  it('are numbered without gaps, in the order of the log, by many replicas at once', async () => {
    const replicas = await Promise.all(Array.from({ length: 4 }, () => log.replica()));
    let isOver = false;
    const numbering = replicas.map(async (replica) => {
      while (!isOver || (await replica.number())) await replica.number();
    });
    await Promise.all(Array.from({ length: 8 }, (_, n) => log.append(`writer-${n}`, 40)));
    isOver = true;
    await Promise.all(numbering);

    const rows = await log.onTable<{ number: string; position: string; event_id: string }>(
      'select number, position, event_id from publication order by number',
    );
    const told = await log.database.asOwner((owner) =>
      owner.query<{ event_id: string }>(
        `select event_id from log.event where type = 'Told' order by position`,
      ),
    );
    expect(rows.map(({ number }) => Number(number))).toEqual(rows.map((_, index) => index + 1));
    expect(rows.map(({ event_id }) => event_id)).toEqual(told.rows.map(({ event_id }) => event_id));
    expect(await replicas[0]?.head()).toEqual({ number: 160, position: 320 });
  });

  it('are numbered again from the same place when the database ends the connection midway', async () => {
    const replica = await log.replica();
    await log.append('a', 3);
    const read = log.store.read.bind(log.store);
    const reading = jest.spyOn(log.store, 'read').mockImplementationOnce(async (after, limit) => {
      expect(await log.endIdleTransactions()).toBe(1);
      return read(after, limit) as never;
    });
    await expect(replica.number()).rejects.toThrow();
    expect(reading).toHaveBeenCalledTimes(1);
    expect(await replica.head()).toEqual({ number: 0, position: 0 });
    await replica.number();
    expect((await replica.after(0, 10)).map(({ number, data }) => [number, data])).toEqual([
      [1, { n: 0 }],
      [2, { n: 2 }],
    ]);
  });

  it('are read back with all that goes onto the bus', async () => {
    const replica = await log.replica();
    await log.append('a', 1);
    await replica.number();
    const [event] = await log.store.load('t-a' as never);
    expect(await replica.after(0, 10)).toEqual([
      {
        number: 1,
        source: 'registry',
        name: 'Told',
        version: 1,
        id: '0',
        position: event?.position,
        event_id: event?.event_id,
        data: { n: 0 },
        meta: event?.meta,
        recorded_at: event?.recorded_at,
      },
    ]);
    expect(await replica.after(1, 10)).toEqual([]);
  });

  it('know which are older than a while, by the clock of the database', async () => {
    const replica = await log.replica();
    await log.append('a', 3);
    await replica.number();
    expect([await replica.olderThan(3_600_000), await replica.olderThan(0)]).toEqual([0, 2]);
  });

  it('remember what was sent, and to which stream', async () => {
    const replica = await log.replica();
    expect(await replica.sent()).toEqual({ number: 0, stream: undefined });
    const sent = { number: 7, stream: { created: 'then', lastSequence: 9 } };
    await replica.noteSent(sent);
    expect(await (await log.replica()).sent()).toEqual(sent);
  });

  it('are confirmed by receipts that stand in the log, whatever its name is', async () => {
    await migrate(log.database.ownerUrl, { logName: 'journal', rolePrefix: TEST_ROLE_PREFIX });
    const pool = log.pool();
    const store = log.database.store('health', { logName: 'journal' });
    const receipt = { consumer: 'health-tests', source: 'registry', number: 1 };
    await store.append({
      stream: 'receipt-x' as never,
      expected: 0,
      events: [],
      meta: { correlation_id: 'c', causation_id: 'c', actor: 'tests' },
      receipt,
    });
    const confirmed = [{ consumer: 'health-tests', number: 1 }];
    expect(await new PostgresReceipts(pool, 'journal').confirmedOf('registry')).toEqual(confirmed);
    expect(await new PostgresReceipts(pool, 'journal').confirmedOf('saga')).toEqual([]);
    expect(await new PostgresReceipts(pool).confirmedOf('registry')).toEqual([]);
  });

  it('can be prepared by many replicas at once', async () => {
    const pools = Array.from({ length: 6 }, () => log.pool(1));
    await Promise.all(
      pools.map((pool) => new PublicationLog(pool, log.store, publications).prepare()),
    );
    expect(await log.onTable('select * from publication_checkpoint')).toHaveLength(1);
  });
});
