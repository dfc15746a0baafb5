import { migrate } from '@downbeat/event-store';
import { eventually, TEST_ROLE_PREFIX } from '@downbeat/event-store/testing';
import { keepPrivate } from './publication';
import { PublicationLog } from './publication-log';
import { PostgresReceipts } from './receipts';
import { publications, PublishedLog } from './testing/published-log';

describe('the numbered publications of a context, on real Postgres', () => {
  let log: PublishedLog;
  beforeEach(async () => (log = await PublishedLog.create('numbers')));
  afterEach(() => log.stop());

  it('are numbered without gaps, in the order of the log, by many replicas at once', async () => {
    const replicas = await Promise.all(Array.from({ length: 4 }, () => log.replica()));
    let isOver = false;
    const numbering = replicas.map(async (replica) => {
      while (!isOver || (await replica.number()).hasMore) await replica.number();
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
    const head = await replicas[0]?.head();
    expect(head?.number).toBe(160);
    // What was read together with the last one and is kept private may be behind it.
    expect(head?.position).toBeGreaterThanOrEqual(Number(rows.at(-1)?.position));
    expect(head?.position).toBeLessThanOrEqual(await log.store.head());
  });

  const firstTwo = [
    [1, { n: 0 }],
    [2, { n: 2 }],
  ];
  const numbersOf = async (replica: Pick<PublicationLog, 'after'>) =>
    (await replica.after(0, 10)).map(({ number, data }) => [number, data]);

  it('are numbered again from the same place when the database ends the connection midway', async () => {
    const replica = await log.replica();
    await log.append('a', 3);
    const held = await log.pool(1).connect();
    await held.query('begin; select from publication_checkpoint for update');
    const numbering = replica.number().catch((fault: unknown) => fault);
    await eventually(async () => expect(await log.endLockWaiters()).toBe(1));
    expect(await numbering).toBeInstanceOf(Error);
    await held.query('rollback');
    held.release();
    expect(await replica.head()).toEqual({ number: 0, position: 0 });
    expect(await replica.number()).toEqual({ newest: 2, hasMore: false });
    expect(await numbersOf(await log.replica())).toEqual(firstTwo);
  });

  it('are not numbered twice when the answer of the database is lost', async () => {
    const pool = log.pool();
    const replica = await log.replica(pool);
    await replica.number();
    await log.append('a', 3);
    const query = pool.query.bind(pool) as (config: unknown) => Promise<unknown>;
    jest.spyOn(pool, 'query').mockImplementationOnce(((config: unknown) =>
      query(config).then(() => {
        throw new Error('the connection is lost');
      })) as never);
    await expect(replica.number()).rejects.toThrow('lost');
    await log.append('b', 1);
    expect(await replica.number()).toEqual({ newest: 3, hasMore: false });
    expect(await numbersOf(replica)).toEqual([...firstTwo, [3, { n: 0 }]]);
    expect(await numbersOf(await log.replica())).toEqual([...firstTwo, [3, { n: 0 }]]);
  });

  it('are numbered by one of two replicas that came equally far', async () => {
    const [one, two] = [await log.replica(), await log.replica()];
    await Promise.all([one.number(), two.number()]);
    await log.append('a', 3);
    expect(await one.number()).toEqual({ newest: 2, hasMore: false });
    expect(await two.number()).toEqual({ newest: 0, hasMore: true });
    expect(await two.number()).toEqual({ newest: 2, hasMore: false });
    expect(await numbersOf(two)).toEqual(firstTwo);
  });

  it('stop at an event of which none can be made, behind all that comes before it, until one can', async () => {
    const { Told, Kept } = publications;
    if (Told === keepPrivate) throw new Error('Told is told');
    let isMended = false;
    const replica = await log.replica(log.pool(), {
      Kept,
      Told: (event) => {
        if (event.data.n === 4 && !isMended) throw new RangeError('no name');
        return Told(event);
      },
    });
    await log.append('a', 7);
    expect(await replica.number()).toEqual({ newest: 2, hasMore: true });
    for (const _ of [1, 2])
      await expect(replica.number()).rejects.toThrow(
        'Told of t-a at position 5 cannot be published: no name',
      );
    expect(await numbersOf(replica)).toEqual(firstTwo);
    isMended = true;
    expect(await replica.number()).toEqual({ newest: 4, hasMore: false });
    expect(await numbersOf(replica)).toEqual([...firstTwo, [3, { n: 4 }], [4, { n: 6 }]]);
  });

  it.each(['Benched', 'constructor'])(
    'wait at %s, which only a newer release knows',
    async (type) => {
      const replica = await log.replica();
      await log.append('a', 3);
      const meta = { correlation_id: 'n', causation_id: 'n', actor: 'tests' };
      await log.store.append({
        ...{ stream: 't-new' as never, expected: 0, meta },
        events: [{ type, data: {} }],
      });
      await log.append('b', 1);
      expect(await replica.number()).toEqual({ newest: 2, hasMore: true });
      for (const _ of [1, 2])
        await expect(replica.number()).rejects.toThrow(
          `${type} of t-new at position 4 cannot be published: ` +
            'this release does not know the event type; run a newer release, which does',
        );
      expect(await numbersOf(replica)).toEqual(firstTwo);
    },
  );

  it('do not move the checkpoint over what nobody publishes, but for every thousand positions', async () => {
    const pool = log.pool();
    const replica = await log.replica(pool);
    await log.append('a', 1);
    await replica.number();
    const query = jest.spyOn(pool, 'query');
    const health = log.database.store('health');
    const foreign = async (count: number) => {
      const events = Array.from({ length: count }, () => ({ type: 'Foreign', data: {} }));
      await health.append({
        stream: `f-${await log.store.head()}` as never,
        expected: 0,
        events,
        meta: { correlation_id: 'f', causation_id: 'f', actor: 'tests' },
      });
    };
    await foreign(500);
    expect(await replica.number()).toEqual({ newest: 1, hasMore: false });
    expect(query).not.toHaveBeenCalled();
    await foreign(500);
    await replica.number();
    expect(await replica.head()).toEqual({ number: 1, position: 1_001 });
    await foreign(10);
    await replica.number();
    await log.append('b', 1);
    await replica.number();
    expect(await replica.head()).toEqual({ number: 2, position: 1_012 });
  });

  it('are read back with all that goes onto the bus', async () => {
    const replica = await log.replica();
    await log.append('a', 1);
    await replica.number();
    const [event] = await log.store.load('t-a' as never);
    const told = [
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
    ];
    // Once from memory, and once from the database.
    expect(await replica.after(0, 10)).toEqual(told);
    expect(await (await log.replica()).after(0, 10)).toEqual(told);
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

  it('are not numbered when the checkpoint is gone', async () => {
    const replica = await log.replica();
    await log.append('a', 1);
    await log.onTable('delete from publication_checkpoint');
    await expect(replica.number()).rejects.toThrow('lost its row');
  });

  it('can be prepared by many replicas at once', async () => {
    const pools = Array.from({ length: 6 }, () => log.pool(1));
    await Promise.all(
      pools.map((pool) => new PublicationLog(pool, log.store, publications).prepare()),
    );
    expect(await log.onTable('select * from publication_checkpoint')).toHaveLength(1);
  });
});
