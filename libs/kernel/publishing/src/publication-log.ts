import type { EventStore, LogSlice } from '@downbeat/event-store';
import { Fault, type Message, type Position, type RecordedEvent } from '@downbeat/eventsourcing';
import type { Pool } from 'pg';
import type { StreamState } from './event-transport';
import {
  keepPrivate,
  type IntegrationEvent,
  type Publication,
  type Publications,
} from './publication';
import { inTransaction } from './transaction';

/** Positions of the log that are numbered at once. */
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

/** Moves the checkpoint and stores what is numbered with it, if nobody else has moved it meanwhile. */
const NUMBER = `
  with moved as (
    update publication_checkpoint set position = $1, number = $2
     where position = $3 and number = $4
    returning one
  ), numbered as (
    insert into publication (number, position, event_id, name, version, id, data, meta, recorded_at)
    select one.* from unnest($5::bigint[], $6::bigint[], $7::uuid[], $8::text[], $9::int[],
                             $10::text[], $11::json[], $12::json[], $13::timestamptz[]) as one
     where exists (select from moved)
  )
  select one from moved`;

/** The newest publication the bus has acknowledged, and the stream as it was then. */
export interface Sent {
  readonly number: number;
  readonly stream: StreamState | undefined;
}

/**
 * A stored event of which no publication can be made. Nothing after it gets a number before it has
 * one: whoever listens would act on later events as if it had not been.
 */
export class PublicationNotMade extends Fault {
  override readonly name = 'PublicationNotMade';
  readonly code = 'publishing/publication-not-made';
  readonly remedy = 'retry';

  constructor({ type, stream, position }: RecordedEvent, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`${type} of ${stream} at position ${position} cannot be published: ${reason}`, { cause });
  }
}

const UNKNOWN_TYPE = 'this release does not know the event type; run a newer release, which does';

/** What came of numbering. */
export interface Numbered {
  /** The newest number given. */
  readonly newest: number;
  /** There may be more to number. */
  readonly hasMore: boolean;
}

interface NumberedSlice {
  readonly numbered: readonly Publication[];
  /** The position up to which the log is done with. */
  readonly through: Position;
}

/** How far a replica has come. */
interface Place {
  /** The checkpoint, as it was last seen in the database. */
  readonly stored: Position;
  readonly number: number;
  /** Read up to here; nothing between `stored` and here is published. */
  readonly seen: Position;
}

const placeOf = ({ number, position }: { number: number; position: Position }): Place => ({
  ...{ number, stored: position, seen: position },
});

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
 * The numbered integration events of one context. Numbers are given in the statement that moves the
 * checkpoint over the log, so each event gets one number, for ever, whichever replica gives it.
 *
 * @see Transactional outbox: Richardson, Microservices Patterns, ch. 3. The log is the outbox; this is its index.
 */
export class PublicationLog<Event extends Message = Message> {
  private place: Place | undefined;
  /** What was numbered last: whoever sends it need not ask the database for it. */
  private newest: readonly Publication[] = [];

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
   * Numbers what was appended since the last call, at most 1,000 positions of the log. Positions of
   * which nothing is published move the stored checkpoint only when they are as many.
   *
   * @throws {PublicationNotMade} The next one cannot be made. All that comes before it has its number.
   */
  async number(): Promise<Numbered> {
    const { place } = this;
    // Whatever fails, or is done by somebody else, the database knows how far we are.
    this.place = undefined;
    const from = place ?? placeOf(await this.head());
    const read = await this.store.read<Event>(from.seen, NUMBERED_MAX);
    const { numbered, through } = this.numberedFrom(read, from.number);
    const newest = from.number + numbered.length;
    const isDue = numbered.length > 0 || through - from.stored >= NUMBERED_MAX;
    if (isDue && !(await this.save(from, through, numbered)))
      return { newest: from.number, hasMore: true };
    this.place = { stored: isDue ? through : from.stored, number: newest, seen: through };
    if (numbered.length > 0) this.newest = numbered;
    return { newest, hasMore: through - from.seen >= NUMBERED_MAX || through < read.through };
  }

  /** What is published of the events, up to one of which nothing can be made. */
  private numberedFrom({ events, through }: LogSlice<Event>, last: number): NumberedSlice {
    const numbered: Publication[] = [];
    for (const event of events) {
      const published = this.publishedOf(event);
      if (published instanceof PublicationNotMade) {
        if (numbered.length === 0) throw published;
        return { numbered, through: event.position - 1 };
      }
      if (published === keepPrivate) continue;
      const { name, version, id, data } = published;
      const { position, event_id, meta, recorded_at } = event;
      const origin = { source: this.store.context, position, event_id, meta, recorded_at };
      const number = last + numbered.length + 1;
      numbered.push({ number, name, version, id, data, ...origin });
    }
    return { numbered, through };
  }

  private publishedOf(
    event: RecordedEvent,
  ): IntegrationEvent | typeof keepPrivate | PublicationNotMade {
    // Appended by a newer release, before somebody went back to this one.
    if (!Object.hasOwn(this.publications, event.type))
      return new PublicationNotMade(event, UNKNOWN_TYPE);
    const publish = this.publications[event.type as Event['type']] as
      ((event: unknown) => IntegrationEvent | typeof keepPrivate) | typeof keepPrivate;
    try {
      return publish === keepPrivate ? keepPrivate : publish(event);
    } catch (fault) {
      return new PublicationNotMade(event, fault);
    }
  }

  /** @returns False when another replica moved the checkpoint first; then nothing was stored. */
  private async save(
    from: Place,
    through: Position,
    numbered: readonly Publication[],
  ): Promise<boolean> {
    const { rowCount } = await this.pool.query({
      name: 'number publications',
      text: NUMBER,
      values: [
        through,
        from.number + numbered.length,
        from.stored,
        from.number,
        numbered.map(({ number }) => number),
        numbered.map(({ position }) => position),
        numbered.map(({ event_id }) => event_id),
        numbered.map(({ name }) => name),
        numbered.map(({ version }) => version),
        numbered.map(({ id }) => id),
        numbered.map(({ data }) => JSON.stringify(data)),
        numbered.map(({ meta }) => JSON.stringify(meta)),
        numbered.map(({ recorded_at }) => recorded_at),
      ],
    });
    return rowCount === 1;
  }

  /** Publications after `number`, in order, at most `limit`. */
  async after(number: number, limit: number): Promise<readonly Publication[]> {
    if (this.newest[0]?.number === number + 1) return this.newest.slice(0, limit);
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
    await this.pool.query({
      name: 'note what was sent',
      text: 'update publication_checkpoint set sent = $1, stream_created = $2, stream_sequence = $3',
      values: [number, stream?.created ?? null, stream?.lastSequence ?? 0],
    });
  }

  /** The newest number given, and a position up to which the log has been numbered. */
  async head(): Promise<{ readonly number: number; readonly position: Position }> {
    const { rows } = await this.pool.query<{ position: string; number: string }>(
      'select position, number from publication_checkpoint',
    );
    const [row] = rows;
    if (!row) throw new Error('publication_checkpoint has lost its row');
    return { number: Number(row.number), position: Number(row.position) };
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
