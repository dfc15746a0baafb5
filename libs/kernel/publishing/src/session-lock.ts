import type { Pool, PoolClient } from 'pg';

/**
 * A lock that lives as long as one database connection: when its holder dies, Postgres gives it to
 * the next who asks.
 *
 * @see PostgreSQL documentation, "Advisory Locks", session level.
 */
export class SessionLock {
  private client: PoolClient | undefined;
  private gained = 0;

  /** @param name What only one replica may do: `relay registry`. */
  constructor(
    private readonly pool: Pool,
    private readonly name: string,
  ) {}

  /** How often it was gained: another number than before means that it was lost in between. */
  get terms(): number {
    return this.gained;
  }

  /** @returns True while this process holds the lock. Costs nothing when it is held already. */
  async acquire(): Promise<boolean> {
    if (this.client) return true;
    const client = await this.pool.connect();
    // The lock goes with the connection; whoever holds it finds out at its next turn.
    let isLost = false;
    const lose = (): void => {
      isLost = true;
      this.drop(client);
    };
    client.on('error', lose).on('end', lose);
    let isHeld = false;
    try {
      const { rows } = await client.query<{ held: boolean }>(
        'select pg_try_advisory_lock(hashtextextended($1, 0)) as held',
        [this.name],
      );
      isHeld = rows[0]?.held === true && !isLost;
    } catch (fault) {
      client.release(true);
      throw fault;
    }
    if (!isHeld) {
      client.off('error', lose).off('end', lose);
      client.release(isLost);
      return false;
    }
    this.client = client;
    this.gained++;
    return true;
  }

  /** Gives the lock up by closing its connection. */
  async release(): Promise<void> {
    if (this.client) this.drop(this.client);
    await Promise.resolve();
  }

  private drop(client: PoolClient): void {
    if (this.client !== client) return;
    this.client = undefined;
    client.release(true);
  }
}
