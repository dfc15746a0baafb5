import { inTransaction } from '@downbeat/publishing';
import { Logger } from '@nestjs/common';
import { Pool, type QueryConfig, type QueryResult, type QueryResultRow } from 'pg';

const CONNECTIONS_MAX = 6;
const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 10_000;

/** Connections of one context, as its role, in its schema: for its own tables beside the log. */
export class ContextPool {
  private readonly logger = new Logger(ContextPool.name);
  readonly pool: Pool;

  constructor(url: string, context: string) {
    this.pool = new Pool({
      connectionString: url,
      max: CONNECTIONS_MAX,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      query_timeout: STATEMENT_TIMEOUT_MS + 1_000,
      keepAlive: true,
      application_name: `downbeat ${context}`,
      options: `-c search_path=${context}`,
    });
    // Without a listener, losing an idle connection would end the process.
    this.pool.on('error', (fault) => this.logger.warn({ err: fault }, 'an idle connection broke'));
    // The pool listens to idle ones only; one that breaks between two statements of a transaction
    // tells the statement after, and must not end the process before.
    this.pool.on('connect', (client) => client.on('error', () => undefined));
  }

  query<Row extends QueryResultRow>(
    text: string,
    values: readonly unknown[] = [],
  ): Promise<QueryResult<Row>> {
    return this.pool.query<Row>(text, [...values]);
  }

  /** The same, when `timeoutMs` is all there is. The connection is closed when it is not enough. */
  async ask(text: string, timeoutMs: number): Promise<void> {
    const query: QueryConfig & { query_timeout: number } = { text, query_timeout: timeoutMs };
    await this.pool.query(query);
  }

  /** Runs DDL that begins with `if not exists`; replicas that start together take turns. */
  async createOnce(name: string, ddl: string): Promise<void> {
    await inTransaction(this.pool, async (client) => {
      const lock = 'select pg_advisory_xact_lock(hashtextextended($1, 0))';
      await client.query(lock, [`create ${name}`]);
      await client.query(ddl);
    });
  }

  async close(): Promise<void> {
    await this.pool.end();
  }
}
