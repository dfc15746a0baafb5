import { Client, Pool } from 'pg';
import { appendOf, freshStream } from '../testing/sample-appends';
import { eventually } from '@downbeat/local-servers/testing';
import { LogDatabase } from '../testing/log-database';

const WRITERS = 32;
const EVENTS = 200_000;
const EVENTS_PER_APPEND = 50;
const READ_MAX = 10_000;
const NUMBERS = Array.from({ length: EVENTS_PER_APPEND }, (_, n) => n);

/**
 * A reader that remembers the highest position it has seen must never miss an event that is
 * committed later with a lower one. In the log none can be; behind a sequence they are.
 */
describe('a reader that follows a log', () => {
  let database: LogDatabase;
  beforeAll(async () => {
    database = await LogDatabase.create('skipped');
  });
  afterAll(() => database.drop());

  it(`skips none of ${EVENTS} events of ${WRITERS} writers, while long transactions are open`, async () => {
    const stores = ['registry', 'registry', 'health', 'saga'].map((name) => database.store(name));
    const reader = database.store('registry');
    const streams = Array.from({ length: WRITERS }, () => freshStream());
    const { written, read, reached } = await race({
      append: async (writer, version) => {
        const store = stores[writer % stores.length] ?? reader;
        const stream = streams[writer] ?? freshStream();
        const { position } = await store.append(appendOf(stream, version, NUMBERS));
        const isOwn = store.context === reader.context;
        return isOwn ? NUMBERS.map((n) => position - EVENTS_PER_APPEND + 1 + n) : [];
      },
      read: async (after) => {
        const { events, through } = await reader.read(after, READ_MAX);
        return { positions: events.map(({ position }) => position), through };
      },
    });
    expect(reached).toBe(EVENTS);
    expect(written).toHaveLength(EVENTS / 2);
    expect(read).toEqual(written);
  });

  it('skips some of them when their positions come from a plain sequence', async () => {
    await database.asOwner((owner) =>
      owner.query(`create table public.raced_log (position bigserial primary key);
        grant all on public.raced_log, public.raced_log_position_seq to public`),
    );
    const pool = new Pool({ connectionString: database.urlOf('registry'), max: WRITERS + 1 });
    const { written, read } = await race({
      append: async () => {
        const { rows } = await pool.query<{ position: string }>(
          `insert into public.raced_log
           select nextval('public.raced_log_position_seq') from generate_series(1, $1::int)
           returning position`,
          [EVENTS_PER_APPEND],
        );
        return rows.map(({ position }) => Number(position));
      },
      read: async (after) => {
        const { rows } = await pool.query<{ position: string }>(
          'select position from public.raced_log where position > $1 order by position limit $2',
          [after, READ_MAX],
        );
        const positions = rows.map(({ position }) => Number(position));
        return { positions, through: positions.at(-1) ?? after };
      },
    });
    await pool.end();
    expect(written).toHaveLength(EVENTS);
    // The planted bug: what was committed late, below what the reader had seen, it never asks for.
    expect(read.length).toBeLessThan(EVENTS);
  });

  describe('while one append is held open and another comes after it', () => {
    it('misses an event whose position came from a sequence', async () => {
      await database.asOwner((owner) =>
        owner.query(`create table public.plain_log (position bigserial primary key);
          grant all on public.plain_log, public.plain_log_position_seq to public`),
      );
      const read = await heldDoor({
        append: (client) => client.query('insert into public.plain_log default values'),
        read: async (client, after) => {
          const { rows } = await client.query<{ position: string }>(
            'select position from public.plain_log where position > $1 order by position',
            [after],
          );
          return rows.map(({ position }) => Number(position));
        },
      });
      // The planted bug: event 1 is committed, and the reader that has seen 2 never asks for it.
      expect(read).toEqual([2]);
    });

    it('misses nothing in the log', async () => {
      const store = database.store('registry');
      const start = await store.head();
      const read = await heldDoor({
        append: (client) =>
          client.query(
            `select * from log.append_many('registry', array[$1], '{0}', '{1}', array['{}'::json],
               '{null}', '{null}', '{null}', '{null}', '{null}', '{null}', '{null}', '{null}',
               array[gen_random_uuid()], '{Happened}', '{1}', array['{}'::json])`,
            [freshStream()],
          ),
        read: async (_, after) =>
          (await store.read(start + after)).events.map(({ position }) => position - start),
      });
      expect(read).toEqual([1, 2]);
    });
  });

  interface RacedLog {
    /** @returns The positions that the reader is to see. */
    append(writer: number, version: number): Promise<readonly number[]>;
    read(
      after: number,
    ): Promise<{ readonly positions: readonly number[]; readonly through: number }>;
  }

  /** All writers at once, and a reader that follows them to the end. */
  async function race(log: RacedLog) {
    const read: number[] = [];
    let reached = 0;
    let isWritten = false;
    const follow = async () => {
      for (;;) {
        const isLast = isWritten;
        const { positions, through } = await log.read(reached);
        read.push(...positions);
        if (through === reached && isLast) return;
        if (through === reached) await new Promise((resolve) => setTimeout(resolve, 2));
        reached = through;
      }
    };
    const write = async (writer: number) => {
      const own: number[] = [];
      for (let version = 0; version < EVENTS / WRITERS; version += EVENTS_PER_APPEND)
        own.push(...(await log.append(writer, version)));
      return own;
    };
    // Sessions that hold a transaction with an id and a snapshot open all the while, in turns.
    const hold = async () => {
      while (!isWritten)
        await database.asOwner(async (other) => {
          await other.query('begin isolation level repeatable read');
          await other.query('create table if not exists held (n integer)');
          await other.query('insert into held values (1)');
          await new Promise((resolve) => setTimeout(resolve, 300));
          await other.query('rollback');
        });
    };
    const background = [follow(), hold(), hold()];
    const written = await Promise.all(Array.from({ length: WRITERS }, (_, n) => write(n)));
    isWritten = true;
    await Promise.all(background);
    return { written: written.flat().sort((a, b) => a - b), read, reached };
  }

  interface Log {
    append(client: Client): Promise<unknown>;
    read(client: Client, after: number): Promise<readonly number[]>;
  }

  /** What a reader sees that reads between two commits and after both. */
  async function heldDoor({ append, read }: Log): Promise<readonly number[]> {
    const [slow, quick, reader] = await Promise.all([1, 2, 3].map(() => connected()));
    if (!slow || !quick || !reader) throw new Error('no connection');
    try {
      await slow.query('begin');
      await append(slow);
      let isQuickDone = false;
      const quickly = append(quick).then(() => (isQuickDone = true));
      await eventually(async () => expect(isQuickDone || (await isSomeoneInLine())).toBe(true));

      const seen = [...(await read(reader, 0))];
      await slow.query('commit');
      await quickly;
      return seen.concat(await read(reader, seen.at(-1) ?? 0));
    } finally {
      await Promise.all([slow, quick, reader].map((client) => client.end()));
    }
  }

  async function connected(): Promise<Client> {
    const client = new Client({ connectionString: database.urlOf('registry') });
    await client.connect();
    return client;
  }

  const isSomeoneInLine = () =>
    database.asOwner(async (owner) => {
      const { rowCount } = await owner.query(
        `select from pg_stat_activity where datname = current_database() and wait_event = 'advisory'`,
      );
      return rowCount === 1;
    });
});
