import type { Pool, PoolClient } from 'pg';

/**
 * Runs `work` in a transaction on a connection of its own. When anything fails the connection is
 * closed, which rolls back, whatever state it was in.
 */
export async function inTransaction<Result>(
  pool: Pool,
  work: (client: PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  // The pool listens to idle connections only: without this, losing one in use would end the process.
  const unheard = (): void => undefined;
  client.on('error', unheard);
  let isWhole = false;
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    isWhole = true;
    return result;
  } finally {
    client.release(!isWhole);
    if (isWhole) client.off('error', unheard);
  }
}
