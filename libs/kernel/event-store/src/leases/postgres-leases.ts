import type { StreamName } from '@downbeat/eventsourcing';
import type { Pool, QueryResultRow } from 'pg';
import { logNameOf, poolOf, faultOf, type DatabaseOptions } from '../database';
import { Leases, type HeldStream } from './leases';

const CONNECTIONS_MAX = 2;

/** One context's leases on Postgres, on connections of their own: a busy store never delays a renewal. */
export class PostgresLeases extends Leases {
  readonly #log: string;
  readonly #pool: Pool;

  constructor(options: DatabaseOptions & { readonly context: string }) {
    super();
    this.#log = logNameOf(options);
    this.#pool = poolOf(options, `${options.context}-leases`, CONNECTIONS_MAX);
  }

  async renew(owner: string, ttlMs: number): Promise<boolean> {
    const [row] = await this.#ask<{ alive: boolean }>('lease_renew($1, $2) as alive', [
      owner,
      Math.trunc(ttlMs),
    ]);
    return row?.alive ?? false;
  }

  async takeOver(owner: string, limit: number): Promise<readonly HeldStream[]> {
    return this.#ask<HeldStream>('lease_take_over($1, $2)', [owner, limit]);
  }

  async resign(owner: string): Promise<void> {
    await this.#ask('lease_resign($1)', [owner]);
  }

  async holder(stream: StreamName): Promise<string | undefined> {
    const [row] = await this.#ask<{ owner: string | null }>('lease_holder($1) as owner', [stream]);
    return row?.owner ?? undefined;
  }

  async held(owner: string): Promise<readonly HeldStream[]> {
    return this.#ask<HeldStream>('lease_held($1)', [owner]);
  }

  /** Waits for what is under way, and closes the connections. May be repeated. */
  async close(): Promise<void> {
    if (!this.#pool.ending) await this.#pool.end();
  }

  async #ask<Row extends QueryResultRow>(
    call: string,
    values: readonly unknown[],
  ): Promise<readonly Row[]> {
    try {
      const text = `select * from "${this.#log}".${call}`;
      return (await this.#pool.query<Row>({ name: call, text, values: [...values] })).rows;
    } catch (fault) {
      throw faultOf(fault);
    }
  }
}
