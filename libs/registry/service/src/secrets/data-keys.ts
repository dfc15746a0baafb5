import { inTransaction } from '@downbeat/publishing';
import { ContextPool, newId } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { decrypt, encrypt, NotReadable } from './envelope';
import { KeyRing, type MasterKey } from './key-ring';

const KEY_BYTES = 32;

export interface Owner {
  readonly service_id: string;
  readonly environment: string;
}

export interface DataKey extends Owner {
  readonly data_key: string;
  readonly key: Buffer;
}

interface Wrapped extends Owner {
  readonly data_key: string;
  readonly key_id: string;
  readonly wrapped: string;
}

/**
 * The random keys that secrets are under, each wrapped by a master key. They stand beside the log: what
 * is appended stays for ever, and a key has to move to a new master key, or to be destroyed.
 */
@Injectable()
export class DataKeys {
  constructor(
    private readonly pool: ContextPool,
    private readonly ring: KeyRing,
  ) {}

  prepare(): Promise<void> {
    return this.pool.createOnce(
      'configuration_data_key',
      `create table if not exists configuration_data_key (
         data_key text collate "C" primary key,
         service_id text not null,
         environment text not null,
         key_id text collate "C" not null,
         wrapped text not null,
         created_at timestamptz not null default clock_timestamp()
       );
       create index if not exists configuration_data_key_by_key on configuration_data_key (key_id)`,
    );
  }

  /** A new one, committed before anything is encrypted with it. */
  async make(owner: Owner, master: MasterKey): Promise<DataKey> {
    const made = { ...owner, data_key: newId(), key: randomBytes(KEY_BYTES) };
    await this.pool.query(
      `insert into configuration_data_key (data_key, service_id, environment, key_id, wrapped)
       values ($1, $2, $3, $4, $5)`,
      [made.data_key, owner.service_id, owner.environment, master.id, wrap(master, made)],
    );
    return made;
  }

  /** @throws {NotReadable} One is under a master key that this process does not have. */
  async read(ids: readonly string[]): Promise<ReadonlyMap<string, DataKey>> {
    const rows = await this.rows(ids);
    return new Map(rows.map((row) => [row.data_key, this.unwrap(row)]));
  }

  /** Under which master keys they are. */
  async keyIds(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const rows = await this.rows(ids);
    return new Map(rows.map(({ data_key, key_id }) => [data_key, key_id]));
  }

  async counts(): Promise<readonly { readonly key_id: string; readonly data_keys: number }[]> {
    const { rows } = await this.pool.query<{ key_id: string; data_keys: number }>(
      `select key_id, count(*)::int as data_keys from configuration_data_key
       group by key_id order by key_id`,
    );
    return rows;
  }

  /**
   * Moves some to the current master key. Replicas take different ones; while it goes on every one of
   * them can be read.
   *
   * @returns How many were moved.
   */
  async rewrap(batchMax: number): Promise<number> {
    const { current } = this.ring;
    if (!current) return 0;
    return inTransaction(this.pool.pool, async (client) => {
      const { rows } = await client.query<Wrapped>(
        `select data_key, service_id, environment, key_id, wrapped from configuration_data_key
         where key_id <> $1 and key_id = any($2) limit $3 for update skip locked`,
        [current.id, this.ring.ids, batchMax],
      );
      const moved = rows.map((row) => wrap(current, this.unwrap(row)));
      await client.query(
        `update configuration_data_key k set key_id = $1, wrapped = m.wrapped
         from unnest($2::text[], $3::text[]) as m (data_key, wrapped)
         where k.data_key = m.data_key`,
        [current.id, rows.map(({ data_key }) => data_key), moved],
      );
      return rows.length;
    });
  }

  private async rows(ids: readonly string[]): Promise<readonly Wrapped[]> {
    if (ids.length === 0) return [];
    const { rows } = await this.pool.query<Wrapped>(
      `select data_key, service_id, environment, key_id, wrapped from configuration_data_key
       where data_key = any($1)`,
      [ids],
    );
    return rows;
  }

  private unwrap({ key_id, wrapped, ...named }: Wrapped): DataKey {
    const master = this.ring.of(key_id);
    if (!master) throw new NotReadable(`this process does not have the key ${key_id}`);
    const { data_key, service_id, environment } = named;
    const sealed = Buffer.from(wrapped, 'base64url');
    const key = decrypt(master.wrapping, sealed, placeOf(named));
    return { data_key, service_id, environment, key };
  }
}

const wrap = (master: MasterKey, made: DataKey): string =>
  encrypt(master.wrapping, made.key, placeOf(made)).toString('base64url');

const placeOf = ({ data_key, service_id, environment }: Owner & { readonly data_key: string }) => ({
  ...{ data_key, service_id, environment },
});
