import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, escapeIdentifier } from 'pg';
import { AuditLog } from '../audit/audit-log';
import { contextUrl, migrate } from '../schema/migrate';
import { PostgresEventStore, type PostgresEventStoreOptions } from '../postgres-event-store';
import { PostgresLeases } from '../leases/postgres-leases';
import { CONTEXTS } from '../schema/roles';

/** Roles are the cluster's, so tests have roles of their own, all with the same password. */
export const TEST_PASSWORD = 'downbeat-test';
export const TEST_ROLE_PREFIX = 'downbeat_test';

/** A machine that does much else is no fault that a test is about. */
const timeouts = { connectMs: 30_000, statementMs: 30_000 };

/** A migrated database of one test file's own, on the server of `DOWNBEAT_TEST_DATABASE_URL`. */
export class LogDatabase {
  readonly #open: { close(): Promise<void> }[] = [];

  private constructor(
    readonly name: string,
    /** A superuser's. */
    readonly ownerUrl: string,
    private readonly serverUrl: string,
  ) {}

  /** @throws {Error} No server is configured: a missing server fails the run. */
  static async create(purpose: string): Promise<LogDatabase> {
    const serverUrl = process.env['DOWNBEAT_TEST_DATABASE_URL'];
    if (serverUrl === undefined) throw new Error('DOWNBEAT_TEST_DATABASE_URL is not set');
    const name = `downbeat_test_${purpose}_${randomBytes(6).toString('hex')}`;
    await onConnection(serverUrl, (owner) =>
      owner.query(`create database ${escapeIdentifier(name)}`),
    );
    const url = new URL(serverUrl);
    url.pathname = `/${name}`;
    const database = new LogDatabase(name, url.href, serverUrl);
    await migrate(database.ownerUrl, {
      rolePrefix: TEST_ROLE_PREFIX,
      passwords: Object.fromEntries(CONTEXTS.map((context) => [context, TEST_PASSWORD])),
    });
    return database;
  }

  urlOf(context: string): string {
    return contextUrl(this.ownerUrl, context, TEST_PASSWORD, TEST_ROLE_PREFIX);
  }

  /** Closed by {@link drop}, as are leases and audits. */
  store(context: string, options: Partial<PostgresEventStoreOptions> = {}): PostgresEventStore {
    const databaseUrl = this.urlOf(context);
    return this.#opened(new PostgresEventStore({ databaseUrl, context, timeouts, ...options }));
  }

  leases(context: string): PostgresLeases {
    return this.#opened(
      new PostgresLeases({ databaseUrl: this.urlOf(context), context, timeouts }),
    );
  }

  audit(): AuditLog {
    return this.#opened(new AuditLog({ databaseUrl: this.urlOf('audit') }));
  }

  /** Runs `work` as a superuser, on a connection of its own. */
  asOwner<Answer>(work: (owner: Client) => Promise<Answer>): Promise<Answer> {
    return onConnection(this.ownerUrl, work);
  }

  /** Runs `work` as a context's own role, on a connection of its own. */
  as<Answer>(context: string, work: (client: Client) => Promise<Answer>): Promise<Answer> {
    return onConnection(this.urlOf(context), work);
  }

  /** Closes what was opened here. */
  async close(): Promise<void> {
    await Promise.all(this.#open.map((closeable) => closeable.close()));
  }

  async drop(): Promise<void> {
    await this.close();
    await this.#left();
    const drop = `drop database if exists ${escapeIdentifier(this.name)} with (force)`;
    await onConnection(this.serverUrl, (owner) => owner.query(drop));
  }

  /** A pool is closed a moment before its connections are; ended by force they would report it. */
  async #left(): Promise<void> {
    const count = 'select count(*) as n from pg_stat_activity where datname = $1';
    await onConnection(this.serverUrl, async (owner) => {
      for (let asked = 0; asked < 50; asked++) {
        const { rows } = await owner.query<{ n: string }>(count, [this.name]);
        if (rows[0]?.n === '0') return;
        await pause(10);
      }
    });
  }

  #opened<Closeable extends { close(): Promise<void> }>(closeable: Closeable): Closeable {
    this.#open.push(closeable);
    return closeable;
  }
}

async function onConnection<Answer>(
  url: string,
  work: (client: Client) => Promise<Answer>,
): Promise<Answer> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
