import { Client } from 'pg';

/** What a server of PostgreSQL has done so far, all databases together. */
export interface DatabaseCounts {
  /** Transactions that wrote something. */
  readonly commits: number;
  readonly walBytes: number;
}

/** Counts, and questions to any database of the server. */
export class DatabaseServer {
  private readonly clients = new Map<string, Promise<Client>>();

  constructor(private readonly url: string) {}

  /** The address of one of its databases. */
  urlOf(database: string): string {
    const url = new URL(this.url);
    url.pathname = `/${database}`;
    return url.href;
  }

  async make(database: string): Promise<void> {
    const client = await this.client(this.url);
    await client.query(`create database "${database}"`);
  }

  async counts(): Promise<DatabaseCounts> {
    const client = await this.client(this.url);
    // A transaction gets a number of its own when it first writes; asking does not.
    const { rows } = await client.query<{ commits: number; wal: number }>(
      `select pg_snapshot_xmax(pg_current_snapshot())::text::float8 as commits,
              (pg_current_wal_insert_lsn() - '0/0')::float8 as wal`,
    );
    return { commits: rows[0]?.commits ?? Number.NaN, walBytes: rows[0]?.wal ?? Number.NaN };
  }

  async column(database: string, query: string, values: readonly unknown[]): Promise<string[]> {
    const client = await this.client(this.urlOf(database));
    const { rows } = await client.query<{ value: string }>(query, [...values]);
    return rows.map(({ value }) => value);
  }

  async close(): Promise<void> {
    for (const client of this.clients.values()) await (await client).end();
  }

  private client(url: string): Promise<Client> {
    const known = this.clients.get(url);
    if (known) return known;
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
    client.on('error', () => undefined); // The query under way fails and says so.
    const connected = client.connect().then(() => client);
    this.clients.set(url, connected);
    return connected;
  }
}
