import type { Pool, PoolClient } from 'pg';

/**
 * A lock that lives as long as one database connection: when its holder dies, Postgres gives it to
 * the next who asks.
 */
export class SessionLock {
  private client: PoolClient | undefined;

  /** @param name What only one replica may do: `relay registry`. */
  constructor(
    private readonly pool: Pool,
    private readonly name: string,
  ) {}

  /** @returns True while this process holds the lock. Costs nothing when it is held already. */
  async acquire(): Promise<boolean> {
    if (this.client) return true;
    const client = await this.pool.connect();
    try {
      const { rows } = await client.query<{ held: boolean }>(
        'select pg_try_advisory_lock(hashtextextended($1, 0)) as held',
        [this.name],
      );
      if (rows[0]?.held !== true) {
        client.release();
        return false;
      }
    } catch (fault) {
      client.release(true);
      throw fault;
    }
    // The lock goes with the connection; whoever holds it finds out at its next turn.
    client.once('error', () => this.drop(client));
    client.once('end', () => this.drop(client));
    this.client = client;
    return true;
  }

  /** Gives the lock up by closing its connection. */
  async release(): Promise<void> {
    const { client } = this;
    if (!client) return;
    this.client = undefined;
    client.removeAllListeners('end');
    client.release(true);
    await Promise.resolve();
  }

  private drop(client: PoolClient): void {
    if (this.client === client) {
      this.client = undefined;
      client.release(true);
    }
  }
}
