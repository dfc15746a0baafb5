import { Client } from 'pg';
import { appendOf, freshStream } from './testing/sample-appends';
import { eventually } from './testing/eventually';
import { LogDatabase } from './testing/log-database';

const WRITERS = 32;
const EVENTS = 200_000;
const EVENTS_PER_APPEND = 50;

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
    const read: number[] = [];
    let reached = 0;
    let isWritten = false;

    const follow = async () => {
      while (!isWritten || reached < EVENTS) {
        const { events, through } = await reader.read(reached, 10_000);
        for (const { position } of events) read.push(position);
        if (through === reached) await new Promise((resolve) => setTimeout(resolve, 2));
        reached = through;
      }
    };
    const write = async (writer: number) => {
      const store = stores[writer % stores.length] ?? reader;
      const own: number[] = [];
      const [stream, share] = [freshStream(), EVENTS / WRITERS];
      const numbers = Array.from({ length: EVENTS_PER_APPEND }, (_, n) => n);
      for (let version = 0; version < share; version += EVENTS_PER_APPEND) {
        const { position } = await store.append(appendOf(stream, version, numbers));
        if (store.context === 'registry')
          for (const n of numbers) own.push(position - EVENTS_PER_APPEND + 1 + n);
      }
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

    const expected = written.flat().sort((a, b) => a - b);
    expect(reached).toBe(EVENTS);
    expect(expected).toHaveLength(EVENTS / 2);
    expect(read).toEqual(expected);
  }, 60_000);

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
