import type {
  Instant,
  JsonObject,
  Message,
  Position,
  Recorded,
  RecordedEvent,
  StreamName,
  StreamVersion,
} from '@downbeat/eventsourcing';
import type { Pool, QueryResultRow } from 'pg';
import { appendMany, type Outcome, type SealedGroup } from './append/append-statement';
import { asRecorded } from './append/as-recorded';
import {
  faultOf,
  isRefusal,
  logNameOf,
  poolOf,
  reporterOf,
  type DatabaseOptions,
} from './database';
import { AppendRefused, LogGap } from './errors';
import {
  EventStore,
  type Append,
  type Appended,
  type LogSlice,
  type RememberedAnswer,
} from './event-store';
import { GroupCommit } from './append/group-commit';
import { sendHalving } from './append/halving';
import type { LogHints } from './read/hints';
import { LogListeners } from './read/log-listeners';
import { LogTail } from './read/log-tail';
import { readLimit } from './read/read-limit';
import { seal, sealTogether, type SealedAppend } from './append/sealed-append';
import { GroupLoad, type Asked, type Part } from './read/group-load';
import { EVENT_COLUMNS, recordedEvent, type EventRow } from './read/stored-event';
import { upcast, type Upcasters } from './read/upcast';

const FLUSH_APPENDS_MAX = 512;
const FLUSH_LENGTH_MAX = 8 * 1_048_576;
const WAITING_MAX = 10_000;
const READERS_MAX = 4;
/** Streams that are loaded with one question, and how much of them it is answered with. */
const LOADED_MAX = 256;
const LOADED_ROWS_MAX = 4_096;
const LOADED_BYTES_MAX = 4 * 1_048_576;
/** Events of a stream that is loaded alone, per question. */
const ALONE_ROWS_MAX = 1_000;
const TAIL_LIMITS = { eventsMax: 1_000, lengthMax: 4 * 1_048_576 };

export interface PostgresEventStoreOptions extends DatabaseOptions {
  readonly context: string;
  /** Appends that may wait for a flush; default 10,000. */
  readonly waitingMax?: number;
  /** Connections for reading, beside the one that appends; default 4. */
  readonly readersMax?: number;
  readonly upcasters?: Upcasters;
  readonly hints?: LogHints;
  /** Told of each flush: how many appends it takes. */
  readonly onFlush?: (appends: number) => void;
}

/**
 * One context's view of the log on Postgres. One instance per context and process: its appends
 * share flushes, one statement at a time over one connection. It connects when it is first used and
 * again after every failure; it never ends the process and never retries by itself.
 */
export class PostgresEventStore extends EventStore {
  readonly context: string;
  readonly #log: string;
  readonly #writer: Pool;
  readonly #readers: Pool;
  readonly #appends: GroupCommit<SealedGroup, readonly Appended[]>;
  readonly #loads: GroupLoad<EventRow, RecordedEvent>;
  readonly #listeners: LogListeners;
  readonly #tail = new LogTail(TAIL_LIMITS);
  readonly #upcasters: Upcasters;
  readonly #onFlush: PostgresEventStoreOptions['onFlush'];
  /** The newest of this context's events that this process was told of. */
  #announced: Position = 0;
  #closing: Promise<void> | undefined;

  constructor(options: PostgresEventStoreOptions) {
    super();
    this.context = options.context;
    this.#log = logNameOf(options);
    this.#upcasters = options.upcasters ?? {};
    this.#onFlush = options.onFlush;
    // A pool of one: it replaces a lost connection, and prepares the statement anew on the next.
    this.#writer = poolOf(options, `${options.context}-append`, 1);
    this.#readers = poolOf(options, `${options.context}-read`, options.readersMax ?? READERS_MAX);
    this.#appends = new GroupCommit(
      {
        sizeMax: FLUSH_APPENDS_MAX,
        weightMax: FLUSH_LENGTH_MAX,
        waitingMax: options.waitingMax ?? WAITING_MAX,
      },
      {
        send: (groups) => this.#flush(groups),
        keysOf: (group) =>
          group.length === 1 && group[0] ? keysOf(group[0]) : group.flatMap(keysOf),
        weightOf: (group) => group.reduce((sum, { length }) => sum + length, 0),
        sizeOf: (group) => group.length,
      },
    );
    this.#loads = new GroupLoad(
      { ask: (asked) => this.#loadParts(asked), read: (row) => this.#recorded(row) },
      LOADED_MAX,
    );
    this.#listeners = new LogListeners(reporterOf(options), options.hints);
    this.#listeners.add((position) => {
      this.#announced = Math.max(this.#announced, position);
    }, this.context);
  }

  async append(append: Append): Promise<Appended> {
    const [appended] = await this.#appends.add([seal(append)]);
    if (!appended) throw new RangeError('an append has an outcome');
    return appended;
  }

  async appendTogether(appends: readonly Append[]): Promise<readonly Appended[]> {
    return this.#appends.add(sealTogether(appends));
  }

  async load<Event extends Message>(
    stream: StreamName,
    after: StreamVersion = 0,
  ): Promise<readonly Recorded<Event>[]> {
    return (await this.#loads.load(stream, after)) as readonly Recorded<Event>[];
  }

  /** A stream alone is asked for without a function around it, which is what most loads are. */
  async #loadParts(asked: readonly Asked[]): Promise<readonly Part<EventRow>[]> {
    const [only, ...others] = asked;
    if (only && others.length === 0) {
      const rows = await this.#ask<EventRow>(
        'load',
        `select ${EVENT_COLUMNS} from "${this.#log}".event
          where stream = $1 and version > $2 and context = (select "${this.#log}".session_context())
          order by version limit ${ALONE_ROWS_MAX}`,
        [only.stream, only.after],
      );
      return [{ rows, hasMore: rows.length === ALONE_ROWS_MAX }];
    }
    const rows = await this.#ask<LoadedRow>(
      'load many',
      `select * from "${this.#log}".load_streams($1, $2, ${LOADED_ROWS_MAX}, ${LOADED_BYTES_MAX})`,
      [asked.map(({ stream }) => stream), asked.map(({ after }) => after)],
    );
    const parts = asked.map(() => ({ rows: [] as EventRow[], hasMore: false }));
    for (const row of rows) {
      const part = parts[row.nth - 1];
      if (row.event_id !== null) part?.rows.push(row);
      else if (part) part.hasMore = true;
    }
    return parts;
  }

  async read<Event extends Message>(after: Position, limit?: number): Promise<LogSlice<Event>> {
    const positionsMax = readLimit(limit);
    const known = this.#tail.after(after, positionsMax);
    const reached = known?.through ?? after;
    const left = positionsMax - (reached - after);
    const isEnough = left === 0 || (known !== undefined && reached >= this.#announced);
    const fresh = isEnough ? { events: [], through: reached } : await this.#fetch(reached, left);
    const events: readonly unknown[] = [...(known?.events ?? []), ...fresh.events];
    return { events: events as readonly Recorded<Event>[], through: fresh.through };
  }

  async #fetch(after: Position, limit: number): Promise<LogSlice> {
    const rows = await this.#ask<EventRow & { follows: number; event_id: string | null }>(
      'read',
      `select * from "${this.#log}".read_log($1, $2)`,
      [after, limit],
    );
    // The place reached must still be there: else this log is an older copy, and would be skipped in.
    if (after > 0 && rows[0]?.position !== after)
      throw new LogGap(after, rows[0]?.position ?? (await this.head()));
    const gap = rows.find(({ position, follows }) => position !== follows + 1);
    if (gap) throw new LogGap(gap.follows + 1, gap.position);
    const through = rows.at(-1)?.position ?? after;
    const own = rows
      .filter((row) => row.event_id !== null && row.position > after)
      .map((row) => ({ event: upcast(recordedEvent(row), this.#upcasters), row }));
    // A full slice is history, which is read once; others will come along for what is new.
    if (through - after < limit)
      this.#tail.add(
        after,
        through,
        own.map(({ event, row }) => ({
          position: row.position,
          length: row.data.length + row.meta.length,
          event: () => event,
        })),
      );
    return { events: own.map(({ event }) => event), through };
  }

  async settled(): Promise<void> {
    try {
      // Nothing to append: it stands in line behind whoever still holds the log's lock, and returns.
      await appendMany(this.#writer, this.#log, this.context, []);
    } catch (fault) {
      throw faultOf(fault);
    }
  }

  async answerOf(commandId: string): Promise<RememberedAnswer | undefined> {
    const [row] = await this.#ask<AnswerRow>(
      'answer',
      `select version, position, answer, encode(payload_hash, 'hex') as hash
         from "${this.#log}".command_answer where context = $1 and command_id = $2`,
      [this.context, commandId],
    );
    if (!row) return undefined;
    const { version, position, answer, hash } = row;
    return {
      version,
      position,
      answer: JSON.parse(answer) as JsonObject,
      repeated: true,
      ...(hash === null ? {} : { payloadHash: hash }),
    };
  }

  async lastReceipt(consumer: string, source: string): Promise<number> {
    const [row] = await this.#ask<{ number: number }>(
      'receipt',
      `select number from "${this.#log}".receipt where context = $1 and consumer = $2 and source = $3`,
      [this.context, consumer, source],
    );
    return row?.number ?? 0;
  }

  async head(): Promise<Position> {
    const [row] = await this.#ask<{ head: number }>('head', `select "${this.#log}".head()`, []);
    return row?.head ?? 0;
  }

  async positionAt(moment: Instant): Promise<Position> {
    const [row] = await this.#ask<{ position: number }>(
      'position at',
      `select "${this.#log}".position_at($1) as position`,
      [moment],
    );
    return row?.position ?? 0;
  }

  onAppended(listener: (position: Position) => void, context?: string): () => void {
    return this.#listeners.add(listener, context);
  }

  /** Takes no more appends, waits for those it has, and closes the connections. May be repeated. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#listeners.close();
    await this.#appends.close();
    await Promise.all([this.#writer.end(), this.#readers.end()]);
  }

  async #flush(groups: readonly SealedGroup[]): Promise<readonly (readonly Appended[] | Error)[]> {
    this.#onFlush?.(groups.reduce((sum, group) => sum + group.length, 0));
    const send = (some: readonly SealedGroup[]) =>
      appendMany(this.#writer, this.#log, this.context, some);
    const outcomes = await sendHalving(groups, send, refusalOf).catch((fault: unknown) => {
      throw faultOf(fault);
    });
    const position = this.#remember(groups, outcomes);
    if (position > 0) this.#listeners.announce({ position, contexts: [this.context] });
    return outcomes.map((outcome) =>
      outcome instanceof Error ? faultOf(outcome) : outcome.map(({ appended }) => appended),
    );
  }

  /** Keeps what was appended for those who follow the log. @returns Its last position; 0 for nothing. */
  #remember(
    groups: readonly SealedGroup[],
    outcomes: readonly (readonly Outcome[] | Error)[],
  ): Position {
    let last = 0;
    outcomes.forEach((outcome, index) => {
      if (outcome instanceof Error) return;
      outcome.forEach((one, nth) => {
        const append = groups[index]?.[nth];
        const events = append ? asRecorded(this.context, append, one, this.#upcasters) : [];
        if (events.length === 0) return;
        last = one.appended.position;
        this.#tail.extend(last - events.length, last, events);
      });
    });
    return last;
  }

  #recorded(row: EventRow): RecordedEvent {
    return upcast(recordedEvent(row), this.#upcasters);
  }

  async #ask<Row extends QueryResultRow>(
    name: string,
    text: string,
    values: readonly unknown[],
  ): Promise<readonly Row[]> {
    try {
      return (await this.#readers.query<Row>({ name, text, values: [...values] })).rows;
    } catch (fault) {
      throw faultOf(fault);
    }
  }
}

/** Of {@link PostgresEventStore}'s question for many streams: without an event, a stream has more. */
type LoadedRow = (EventRow | { readonly event_id: null }) & { readonly nth: number };

interface AnswerRow {
  readonly version: StreamVersion;
  readonly position: Position;
  readonly answer: string;
  readonly hash: string | null;
}

/** The database finds one append wrong in itself, and fails the whole statement for it. */
const refusalOf = ([first]: SealedGroup, fault: unknown): AppendRefused | undefined =>
  first && isRefusal(fault)
    ? new AppendRefused(first.append.stream, fault.message, { cause: fault })
    : undefined;

/** What two appends of one flush may not share, because each is checked against what is stored. */
const keysOf = ({ append: { stream, command, receipt } }: SealedAppend): readonly string[] => [
  `stream ${stream}`,
  ...(command ? [`command ${command.id}`] : []),
  ...(receipt ? [`receipt ${receipt.consumer} ${receipt.source}`] : []),
];
