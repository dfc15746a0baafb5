import type { PostgresEventStore } from '@downbeat/event-store';
import { LogDatabase } from '@downbeat/event-store/testing';
import type { Message, StreamName } from '@downbeat/eventsourcing';
import { escapeIdentifier, Pool } from 'pg';
import { keepPrivate, type Publications } from '../publication';
import { PublicationLog } from '../publication-log';

type Told = Message<'Told', { n: number }>;
type Kept = Message<'Kept', { n: number }>;

/** Tells every other event. */
export const publications: Publications<Told | Kept> = {
  Told: ({ data }) => ({ name: 'Told', version: 1, id: String(data.n), data }),
  Kept: keepPrivate,
};

/** A context on a real database, with pools as a process has them; several stand for several replicas. */
export class PublishedLog {
  private readonly pools: Pool[] = [];

  private constructor(
    readonly database: LogDatabase,
    readonly store: PostgresEventStore,
  ) {}

  static async create(purpose: string): Promise<PublishedLog> {
    const database = await LogDatabase.create(purpose);
    return new PublishedLog(database, database.store('registry'));
  }

  pool(max = 4, connectionTimeoutMillis = 30_000): Pool {
    const pool = new Pool({
      connectionString: this.database.urlOf('registry'),
      max,
      connectionTimeoutMillis,
      options: '-c search_path=registry',
    });
    pool.on('error', () => undefined);
    this.pools.push(pool);
    return pool;
  }

  async replica(pool = this.pool(), made = publications): Promise<PublicationLog<Told | Kept>> {
    const log = new PublicationLog(pool, this.store, made);
    await log.prepare();
    return log;
  }

  /** Appends `count` events, told and kept by turns, to a stream of its own. */
  async append(stream: string, count: number): Promise<void> {
    for (let n = 0; n < count; n++)
      await this.store.append({
        stream: `t-${stream}` as StreamName,
        expected: n,
        events: [{ type: n % 2 === 0 ? 'Told' : 'Kept', data: { n } }],
        meta: { correlation_id: stream, causation_id: stream, actor: 'tests' },
      });
  }

  /**
   * Ends the backend of one of the pools that holds an advisory lock, as a restart of Postgres would. An event
   * store's stays: it holds one while it commits.
   */
  async endLockHolder(): Promise<void> {
    await this.database.asOwner((owner) =>
      owner.query(
        `select pg_terminate_backend(pid) from pg_locks join pg_stat_activity using (pid)
         where locktype = 'advisory' and granted and application_name not like 'downbeat-%'
           and database = (select oid from pg_database where datname = current_database())`,
      ),
    );
  }

  /** Ends every backend that waits for a lock. */
  async endLockWaiters(): Promise<number> {
    const ended = await this.database.asOwner((owner) =>
      owner.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock'`,
      ),
    );
    return ended.rowCount ?? 0;
  }

  async onTable<Row>(text: string): Promise<readonly Row[]> {
    const schema = escapeIdentifier('registry');
    return this.database.asOwner(async (owner) => {
      await owner.query(`set search_path = ${schema}`);
      return (await owner.query(text)).rows as readonly Row[];
    });
  }

  async stop(): Promise<void> {
    await Promise.all(this.pools.map((pool) => pool.end()));
    await this.database.drop();
  }
}
