import type { Instant, Position, RecordedEvent, StreamName } from '@downbeat/eventsourcing';
import type { Pool, QueryResultRow } from 'pg';
import { faultOf, logNameOf, poolOf, type DatabaseOptions } from '../database';
import { cursorAfter, positionOf } from './event-cursor';
import type { StoredCommit } from './hash-chain';
import { EVENT_COLUMNS, instantFrom, recordedEvent, type EventRow } from '../read/stored-event';
import type { ChainReader } from './verify-chain';

const CONNECTIONS_MAX = 2;
const LIST_LIMIT = 100;
const LIST_LIMIT_MAX = 1_000;
const STREAM_EVENTS_MAX = 10_000;
const STREAMS_MAX = 1_000;
const COMMITS_MAX = 1_000;
/** Of the events that come at once, as text; the one that goes beyond comes too. */
const BYTES_MAX = 4 * 1_048_576;

/** What is asked for; all conditions must hold. Shaped as the query arrives. */
export interface EventFilter {
  readonly stream?: string | undefined;
  readonly type?: string | undefined;
  readonly correlation_id?: string | undefined;
  /** 32 hexadecimal digits of a W3C traceparent. */
  readonly trace_id?: string | undefined;
  /** Recorded at this moment or later. */
  readonly since?: string | undefined;
  /** Recorded at this moment or earlier. */
  readonly until?: string | undefined;
  readonly after_position?: Position | undefined;
  /** This position included. */
  readonly until_position?: Position | undefined;
  /** By position; default `asc`. */
  readonly order?: 'asc' | 'desc' | undefined;
  /** 1 to 1,000; default 100. */
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export interface EventPage {
  /** As they are stored: not upcast. */
  readonly events: readonly RecordedEvent[];
  /** Absent on the last page. */
  readonly next_cursor?: string;
}

/** A stream that a correlation id reached. */
export interface CorrelatedStream {
  readonly stream: StreamName;
  readonly context: string;
  readonly first: Position;
  readonly last: Position;
}

/** The whole log, every context's events, read only: connects with the audit role. */
export class AuditLog implements ChainReader {
  readonly #log: string;
  readonly #pool: Pool;

  constructor(options: DatabaseOptions) {
    this.#log = `"${logNameOf(options)}"`;
    this.#pool = poolOf(options, 'audit-log', CONNECTIONS_MAX, 'custom plans');
  }

  /**
   * @throws {InvalidCursor} @throws {EventStoreUnavailable}
   * @throws {RangeError} The limit is out of bounds.
   */
  async list(filter: EventFilter): Promise<EventPage> {
    const { order = 'asc', limit = LIST_LIMIT, cursor } = filter;
    if (!Number.isInteger(limit) || limit < 1 || limit > LIST_LIMIT_MAX)
      throw new RangeError(`a page has 1 to ${LIST_LIMIT_MAX} events`);
    const reached = cursor === undefined ? undefined : positionOf(cursor, order);
    const [after, through] = await this.#bounds(filter);
    const where: string[] = ['position > $1', 'position <= $2'];
    const values: unknown[] = [
      order === 'asc' ? Math.max(after, reached ?? 0) : after,
      order === 'desc' && reached !== undefined ? Math.min(through, reached - 1) : through,
    ];
    const equal = (expression: string, value: string | undefined) => {
      if (value !== undefined) where.push(`${expression} = $${values.push(value)}`);
    };
    equal('stream', filter.stream);
    equal('type', filter.type);
    equal(`(meta ->> 'correlation_id') collate "C"`, filter.correlation_id);
    equal(`substr(meta ->> 'traceparent', 4, 32) collate "C"`, filter.trace_id);
    // The index on trace ids holds no other rows.
    if (filter.trace_id !== undefined) where.push(`meta ->> 'traceparent' is not null`);

    const rows = await this.#someOf(where.join(' and '), values, order, limit + 1);
    const events = rows.slice(0, limit).map(recordedEvent);
    const last = events.at(-1);
    const hasMore = last !== undefined && (rows[0]?.found ?? 0) > events.length;
    return { events, ...(hasMore && { next_cursor: cursorAfter(last.position, order) }) };
  }

  /** A stream's first events up to a position, oldest first, at most 10,000. */
  async eventsOf(stream: StreamName, untilPosition?: Position): Promise<readonly RecordedEvent[]> {
    const rows = await this.#ask<EventRow>(
      `select ${EVENT_COLUMNS} from ${this.#log}.event
        where stream = $1 and position <= $2 order by version limit ${STREAM_EVENTS_MAX}`,
      [stream, untilPosition ?? Number.MAX_SAFE_INTEGER],
    );
    return rows.map(recordedEvent);
  }

  /** The streams with events of this correlation id, in the order they were reached, at most 1,000. */
  async streamsOf(
    correlationId: string,
    untilPosition?: Position,
  ): Promise<readonly CorrelatedStream[]> {
    return this.#ask<CorrelatedStream>(
      `select stream, context, min(position) as first, max(position) as last from ${this.#log}.event
        where (meta ->> 'correlation_id') collate "C" = $1 and position <= $2
        group by stream, context order by first limit ${STREAMS_MAX}`,
      [correlationId, untilPosition ?? Number.MAX_SAFE_INTEGER],
    );
  }

  async commits(commitNo: number, limit: number): Promise<readonly StoredCommit[]> {
    return this.#commits('where commit_no > $1 order by commit_no limit $2', [commitNo, limit]);
  }

  /** Those of these commits that the log has, in no order; at most 1,000 are asked for. */
  async commitsNumbered(commitNos: readonly number[]): Promise<readonly StoredCommit[]> {
    if (commitNos.length > COMMITS_MAX)
      throw new RangeError(`at most ${COMMITS_MAX} commits can be asked for at once`);
    return this.#commits('where commit_no = any ($1::bigint[])', [commitNos]);
  }

  async headCommit(): Promise<StoredCommit | undefined> {
    const [head] = await this.#commits('order by commit_no desc limit 1', []);
    return head;
  }

  /** Fewer than `limit` when they are large, and at least one. */
  async rows(position: Position, limit: number): Promise<readonly EventRow[]> {
    return this.#someOf('position > $1', [position], 'asc', limit);
  }

  /** Waits for what is under way, and closes the connections. May be repeated. */
  async close(): Promise<void> {
    if (!this.#pool.ending) await this.#pool.end();
  }

  /** `found`: how many there are up to the limit; fewer come when they are large. */
  async #someOf(
    where: string,
    values: readonly unknown[],
    order: 'asc' | 'desc',
    limit: number,
  ): Promise<readonly (EventRow & { readonly found: number })[]> {
    return this.#ask(
      `with found as (
         select ${EVENT_COLUMNS}, ${this.#log}.text_bytes(data, meta, ${BYTES_MAX})
                  over (order by position ${order} rows between unbounded preceding and 1 preceding) as before
           from ${this.#log}.event where ${where} order by position ${order} limit ${limit}
       )
       select ${EVENT_COLUMNS}, (select count(*)::int from found) as found from found
        where before <= ${BYTES_MAX} order by position ${order}`,
      values,
    );
  }

  /** Commits are in the order of time, so a range of time is a range of positions. */
  async #bounds(filter: EventFilter): Promise<readonly [after: Position, through: Position]> {
    const { since, until, after_position = 0, until_position = Number.MAX_SAFE_INTEGER } = filter;
    if (since === undefined && until === undefined) return [after_position, until_position];
    const [row] = await this.#ask<{ after: number | null; through: number | null }>(
      `select (select first - 1 from ${this.#log}.commit where recorded_at >= $1
                order by recorded_at, commit_no limit 1) as after,
              (select last from ${this.#log}.commit where recorded_at <= $2
                order by recorded_at desc, commit_no desc limit 1) as through`,
      [since ?? '-infinity', until ?? 'infinity'],
    );
    return [
      Math.max(after_position, row?.after ?? Number.MAX_SAFE_INTEGER),
      Math.min(until_position, row?.through ?? 0),
    ];
  }

  async #commits(rest: string, values: readonly unknown[]): Promise<readonly StoredCommit[]> {
    const rows = await this.#ask<Omit<StoredCommit, 'recorded_at'> & { recorded_at: string }>(
      `select commit_no, first, last, recorded_at, encode(hash, 'hex') as hash from ${this.#log}.commit ${rest}`,
      values,
    );
    return rows.map((row) => ({ ...row, recorded_at: instantFrom(row.recorded_at) as Instant }));
  }

  async #ask<Row extends QueryResultRow>(
    text: string,
    values: readonly unknown[],
  ): Promise<readonly Row[]> {
    try {
      return (await this.#pool.query<Row>(text, [...values])).rows;
    } catch (fault) {
      throw faultOf(fault);
    }
  }
}
