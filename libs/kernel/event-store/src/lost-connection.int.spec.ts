import { LeaseLost, StreamVersionConflict } from './errors';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { appendOf, freshStream } from './testing/sample-appends';
import { eventually } from '@downbeat/local-servers/testing';
import { LogDatabase } from './testing/log-database';
import { verifyChain } from './audit/verify-chain';

const PATIENCE_MS = 20_000;

describe('a lost connection', () => {
  let database: LogDatabase;
  beforeAll(async () => {
    database = await LogDatabase.create('lost');
  });
  afterAll(() => database.drop());

  const killAll = (application: string) =>
    database.asOwner(async (owner) => {
      const { rowCount } = await owner.query(
        `select pg_terminate_backend(pid, 1000) from pg_stat_activity
          where datname = current_database() and application_name = $1`,
        [application],
      );
      return rowCount ?? 0;
    });

  it('under load fails what is under way, and nothing that was acknowledged is lost', async () => {
    const reports: string[] = [];
    const store = database.store('registry', { report: ({ message }) => reports.push(message) });
    let kills = 0;
    let isOver = false;
    const write = async () => {
      const [stream, acknowledged, faults] = [freshStream(), [] as number[], new Set<string>()];
      for (let n = 0; !isOver; n++) {
        // Like a command handler: load, append, and ask again when the answer was lost.
        const expected = (await eventually(() => store.load(stream), PATIENCE_MS)).length;
        await store.append(appendOf(stream, expected, [n])).then(
          () => acknowledged.push(n),
          ({ code }: { code: string }) => faults.add(code),
        );
      }
      return { stream, acknowledged, faults };
    };
    const writing = Promise.all(Array.from({ length: 16 }, write));
    try {
      while (kills < 12) {
        const head = await eventually(() => store.head(), PATIENCE_MS);
        const isAhead = async () => expect(await store.head()).toBeGreaterThan(head + 50);
        await eventually(isAhead, PATIENCE_MS);
        kills += await killAll('downbeat-registry-append');
      }
    } finally {
      isOver = true;
    }

    const writers = await writing;
    const faults = new Set(writers.flatMap((writer) => [...writer.faults]));
    expect([...faults]).toEqual(['event-store/unavailable']);
    for (const { stream, acknowledged } of writers) {
      const stored = (await store.load(stream)).map(({ data }) => (data as { n: number }).n);
      expect(new Set(stored).size).toBe(stored.length);
      expect(stored).toEqual(expect.arrayContaining(acknowledged));
    }
    expect(await verifyChain(database.audit())).toMatchObject({ isIntact: true });
  });

  it('while nobody uses it is reported, and replaced at the next use', async () => {
    const reports: string[] = [];
    const store = database.store('health', { report: ({ message }) => reports.push(message) });
    await store.append(appendOf(freshStream(), 0));
    await store.head();
    await killAll('downbeat-health-append');
    await killAll('downbeat-health-read');
    await eventually(() => expect(reports).toHaveLength(2));
    await store.append(appendOf(freshStream(), 0));
    await store.head();
  });

  it('leaves an append at work that a read may come too early for, and settled() waits for', async () => {
    const [store, stream] = [database.store('registry'), freshStream()];
    await store.append(appendOf(freshStream(), 0)); // Connected and prepared.
    await database.asOwner(async (owner) => {
      // Hold the door: an append of another process that is about to commit.
      await owner.query('begin');
      await owner.query(`select pg_advisory_xact_lock(hashtextextended('downbeat.log', 0))`);
      const unanswered = store.append(appendOf(stream, 0)).catch(() => undefined);
      const settled = database.store('health').settled();
      let isSettled = false;
      void settled.then(() => (isSettled = true));
      await eventually(async () => {
        const { rows } = await owner.query(
          `select from pg_locks l join pg_database d on d.oid = l.database
           where datname = current_database() and locktype = 'advisory' and not granted`,
        );
        expect(rows.length).toBeGreaterThanOrEqual(2);
      });
      expect(isSettled).toBe(false);
      await owner.query('commit');
      await Promise.all([settled, unanswered]);
    });
    expect(await store.load(stream)).toHaveLength(1);
  });

  it('after the commit and before the answer makes asking again safe', async () => {
    const [store, stream] = [database.store('registry'), freshStream()];
    const append = appendOf(stream, 0, [1], { command: { id: 'lost-answer', answer: { n: 1 } } });
    await store.append(append);
    expect(await store.append(append)).toMatchObject({ repeated: true, answer: { n: 1 } });
    const { command: _, ...withoutId } = append;
    await expect(store.append(withoutId)).rejects.toThrow(StreamVersionConflict);
  });

  it('is not waited for longer than the time-outs say', async () => {
    const store = database.store('registry', {
      timeouts: { connectMs: 30_000, statementMs: 200, answerMs: 30_000 },
    });
    await database.as('registry', async (blocker) => {
      await blocker.query('begin');
      await blocker.query(`select pg_advisory_xact_lock(hashtextextended('downbeat.log', 0))`);
      await expect(store.append(appendOf(freshStream(), 0))).rejects.toMatchObject({
        code: 'event-store/unavailable',
        message: expect.stringContaining('statement timeout'),
      });
      await blocker.query('rollback');
    });
    await eventually(() => store.append(appendOf(freshStream(), 0)));
  });

  it('to a server that froze is given up, and another one is made when it is back', async () => {
    const proxy = await Proxy.to(new URL(database.ownerUrl));
    const url = new URL(database.urlOf('registry'));
    url.port = String(proxy.port);
    const store = database.store('registry', {
      databaseUrl: url.href,
      timeouts: { connectMs: 300, statementMs: 10_000, answerMs: 300 },
    });
    await eventually(() => store.append(appendOf(freshStream(), 0)));
    proxy.isFrozen = true;
    const stream = freshStream();
    const first = store.append(appendOf(stream, 0));
    await expect(first).rejects.toMatchObject({ code: 'event-store/unavailable' });
    // The new connection meets silence too.
    await expect(store.append(appendOf(stream, 0))).rejects.toMatchObject({
      code: 'event-store/unavailable',
    });
    await expect(store.head()).rejects.toMatchObject({ code: 'event-store/unavailable' });
    proxy.isFrozen = false;
    // Its answer may come too late: the next attempt is known by its id then.
    const thawed = appendOf(stream, 0, [1], { command: { id: 'thawed', answer: {} } });
    await eventually(() => store.append(thawed));
    await eventually(async () => expect(await store.load(stream)).toHaveLength(1));
    await store.close();
    await proxy.close();
  });

  it('to a server that is not there fails each append, and a closed store takes none', async () => {
    const url = new URL(database.urlOf('registry'));
    url.port = '1';
    const store = database.store('registry', { databaseUrl: url.href });
    await expect(store.append(appendOf(freshStream(), 0))).rejects.toMatchObject({
      code: 'event-store/unavailable',
      cause: expect.objectContaining({ code: 'ECONNREFUSED' }),
    });
    const closed = database.store('registry');
    const last = closed.append(appendOf(freshStream(), 0));
    await closed.close();
    await last;
    await expect(closed.append(appendOf(freshStream(), 0))).rejects.toMatchObject({
      code: 'event-store/unavailable',
    });
  });

  it('of a holder whose append is still open lets nobody take its stream over before it ends', async () => {
    const [store, leases, stream] = [
      database.store('registry'),
      database.leases('registry'),
      freshStream('run'),
    ];
    const lease = (use: 'acquire' | 'hold') => ({ lease: { use, owner: 'frozen', epoch: 1 } });
    await leases.renew('frozen', 1);
    await store.append(appendOf(stream, 0, [1], lease('acquire')));
    await database.as('registry', async (frozen) => {
      await frozen.query('begin');
      await frozen.query(
        `select * from log.append_many('registry', array[$1], '{1}', '{1}', array['{}'::json],
           '{null}', '{null}', '{hold}', '{frozen}', '{1}', '{null}', '{null}', '{null}',
           array[gen_random_uuid()], '{Happened}', '{1}', array['{"n":2}'::json])`,
        [stream],
      );
      let isTaken = false;
      const taking = leases.takeOver('heir', 10).then((taken) => {
        isTaken = true;
        return taken;
      });
      await eventually(async () => expect(await waiting()).toBe(1));
      expect(isTaken).toBe(false);
      await frozen.query('commit');
      expect(await taking).toEqual([{ stream, epoch: 2 }]);
    });
    // What the old holder had committed is there for the new one; what comes later is refused.
    expect(await store.load(stream)).toHaveLength(2);
    await expect(store.append(appendOf(stream, 2, [3], lease('hold')))).rejects.toThrow(LeaseLost);
  });

  const waiting = () =>
    database.asOwner(async (owner) => {
      const { rowCount } = await owner.query(
        `select from pg_stat_activity where datname = current_database() and wait_event = 'advisory'`,
      );
      return rowCount ?? 0;
    });
});

/** Stands before Postgres and, when it is frozen, keeps connections open and passes nothing on. */
class Proxy {
  isFrozen = false;
  readonly #sockets = new Set<Socket>();

  private constructor(readonly server: Server) {}

  static async to({ hostname, port }: URL): Promise<Proxy> {
    const proxy: Proxy = new Proxy(
      createServer((inner) => {
        const outer = connect(Number(port || 5432), hostname);
        for (const [from, to] of [
          [inner, outer],
          [outer, inner],
        ] as const) {
          proxy.#sockets.add(from);
          from.on('data', (chunk) => (proxy.isFrozen ? undefined : to.write(chunk)));
          from.on('close', () => to.destroy());
          from.on('error', () => to.destroy());
        }
      }),
    );
    await new Promise<void>((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
