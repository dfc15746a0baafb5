import type { EventStore } from '@downbeat/event-store';
import type { Message, Position } from '@downbeat/eventsourcing';
import type { Pool, PoolClient } from 'pg';
import type { StreamState } from './event-transport';
import { keepPrivate, type Publication, type Publications } from './publication';
import { inTransaction } from './transaction';

/** Positions of the log that are numbered in one transaction. */
const NUMBERED_MAX = 1_000;

const SCHEMA = `
  create table if not exists publication (
    number bigint primary key,
    position bigint not null unique,
    event_id uuid not null,
    name text not null,
    version int not null,
    id text not null,
    data json not null,
    meta json not null,
    recorded_at timestamptz not null
  );
  create table if not exists publication_checkpoint (
    one boolean primary key default true check (one),
    position bigint not null default 0,
    number bigint not null default 0,
    sent bigint not null default 0,
    stream_created text,
    stream_sequence bigint not null default 0
  );
  insert into publication_checkpoint default values on conflict do nothing;`;

/** The newest publication the bus has acknowledged, and the stream as it was then. */
export interface Sent {
  readonly number: number;
  readonly stream: StreamState | undefined;
}

interface PublicationRow {
  readonly number: string;
  readonly position: string;
  readonly event_id: string;
  readonly name: string;
  readonly version: number;
  readonly id: string;
  readonly data: Publication['data'];
  readonly meta: Publication['meta'];
  readonly recorded_at: Date;
}

/**
 * The numbered integration events of one context. Numbers are given in the transaction that moves
 * the checkpoint over the log, so each event gets one number, for ever, whichever replica gives it.
 *
 * @see Transactional outbox: Richardson, Microservices Patterns, ch. 3. The log is the outbox; this is its index.
 */
export class PublicationLog<Event extends Message = Message> {
  constructor(
    private readonly pool: Pool,
    private readonly store: EventStore,
    private readonly publications: Publications<Event>,
  ) {}

  async prepare(): Promise<void> {
    await inTransaction(this.pool, async (client) => {
      // `if not exists` alone still fails when two replicas create the same table at once.
      await client.query(`select pg_advisory_xact_lock(hashtext('downbeat publication schema'))`);
      await client.query(SCHEMA);
    });
  }

  /**
   * Numbers what was appended since the last call, at most 1,000 positions of the log.
   *
   * @returns True when there may be more.
   */
  number(): Promise<boolean> {
    return inTransaction(this.pool, (client) => this.numberNext(client));
  }

  private async numberNext(client: PoolClient): Promise<boolean> {
    const { rows } = await client.query<{ position: string; number: string }>(
      'select position, number from publication_checkpoint for update',
    );
    const [checkpoint] = rows;
    if (!checkpoint) throw new Error('publication_checkpoint has lost its row');
    const slice = await this.store.read<Event>(Number(checkpoint.position), NUMBERED_MAX);
    if (slice.through === Number(checkpoint.position)) return false;

    let number = Number(checkpoint.number);
    const numbered = slice.events.flatMap((event) => {
      const publish = this.publications[event.type as Event['type']] as
        ((event: unknown) => Publication | typeof keepPrivate) | typeof keepPrivate;
      if (publish === keepPrivate) return [];
      const published = publish(event);
      if (published === keepPrivate) return [];
      return [{ ...published, number: ++number, event }];
    });
    if (numbered.length > 0)
      await client.query(
        `insert into publication (number, position, event_id, name, version, id, data, meta, recorded_at)
         select * from unnest($1::bigint[], $2::bigint[], $3::uuid[], $4::text[], $5::int[], $6::text[],
                              $7::json[], $8::json[], $9::timestamptz[])`,
        [
          numbered.map((one) => one.number),
          numbered.map((one) => one.event.position),
          numbered.map((one) => one.event.event_id),
          numbered.map((one) => one.name),
          numbered.map((one) => one.version),
          numbered.map((one) => one.id),
          numbered.map((one) => JSON.stringify(one.data)),
          numbered.map((one) => JSON.stringify(one.event.meta)),
          numbered.map((one) => one.event.recorded_at),
        ],
      );
    await client.query('update publication_checkpoint set position = $1, number = $2', [
      slice.through,
      number,
    ]);
    return slice.through - Number(checkpoint.position) >= NUMBERED_MAX;
  }

  /** Publications after `number`, in order, at most `limit`. */
  async after(number: number, limit: number): Promise<readonly Publication[]> {
    const { rows } = await this.pool.query<PublicationRow>(
      'select * from publication where number > $1 order by number limit $2',
      [number, limit],
    );
    return rows.map((row) => this.publicationOf(row));
  }

  /** What the relay last knew: it survives the relay's process. */
  async sent(): Promise<Sent> {
    const { rows } = await this.pool.query<{
      sent: string;
      stream_created: string | null;
      stream_sequence: string;
    }>('select sent, stream_created, stream_sequence from publication_checkpoint');
    const [row] = rows;
    return {
      number: Number(row?.sent ?? 0),
      stream:
        row?.stream_created == null
          ? undefined
          : { created: row.stream_created, lastSequence: Number(row.stream_sequence) },
    };
  }

  async noteSent({ number, stream }: Sent): Promise<void> {
    await this.pool.query(
      'update publication_checkpoint set sent = $1, stream_created = $2, stream_sequence = $3',
      [number, stream?.created ?? null, stream?.lastSequence ?? 0],
    );
  }

  /** The newest number given, and the position up to which the log has been numbered. */
  async head(): Promise<{ readonly number: number; readonly position: Position }> {
    const { rows } = await this.pool.query<{ position: string; number: string }>(
      'select position, number from publication_checkpoint',
    );
    return { number: Number(rows[0]?.number ?? 0), position: Number(rows[0]?.position ?? 0) };
  }

  /** The newest number that is older than `ageMs` by the database's clock; 0 when there is none. */
  async olderThan(ageMs: number): Promise<number> {
    // Numbers and times grow together, so the first row from the top that is old enough is it.
    const { rows } = await this.pool.query<{ number: string }>(
      `select number from publication
       where recorded_at < clock_timestamp() - make_interval(secs => $1::double precision / 1000)
       order by number desc limit 1`,
      [ageMs],
    );
    return Number(rows[0]?.number ?? 0);
  }

  private publicationOf(row: PublicationRow): Publication {
    return {
      number: Number(row.number),
      source: this.store.context,
      position: Number(row.position),
      event_id: row.event_id,
      name: row.name,
      version: row.version,
      id: row.id,
      data: row.data,
      meta: row.meta,
      recorded_at: row.recorded_at.toISOString(),
    };
  }
}
