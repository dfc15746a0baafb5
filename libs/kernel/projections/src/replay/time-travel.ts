import type { EventStore } from '@downbeat/event-store';
import type { Instant, Position } from '@downbeat/eventsourcing';
import type { DataSource, EntityManager } from 'typeorm';
import type { Limiter } from './limiter';
import type { LogReader } from '../projector/log-reader';
import { catchUp } from './catch-up';
import { layPastTables } from './past-tables';
import { PastStates } from './past-states';
import type { Projection } from '../projection';
import { positionOf } from '../read/position-of';
import type { Read } from '../read/read-models';
import { inReadTransaction } from '../read/read-transaction';
import { replay } from './replay';
import { RowCache } from '../rows/row-cache';
import { TableSet } from '../rows/table-set';

/** Rows of a past state above this size are not kept for the next question. */
const KEPT_BYTES_MAX = 8_000_000;

export interface TimeTravelOptions {
  readonly source: DataSource;
  readonly store: EventStore;
  readonly reader: LogReader;
  /** For those that have to build the tables again from the beginning. */
  readonly limiter: Limiter;
  /** For those that look at what is kept. */
  readonly lookLimiter: Limiter;
  /** A rebuild ends after this time; default 30,000. */
  readonly rebuildTimeoutMs?: number;
}

/**
 * Puts questions to the past. Rows are kept as they were for some time, and are seen through views
 * under the tables' names; for what is older the tables are built again from the log.
 */
export class TimeTravel {
  private readonly past = new PastStates();

  constructor(private readonly options: TimeTravelOptions) {}

  /**
   * @throws {ReadPositionAhead} @throws {InvalidReadPosition}
   * @throws {RebuildsOverloaded} Too many ask for the past at once, or the log is too long for the time-out.
   */
  async ask<Answer>(
    projection: Projection,
    at: Position | Instant,
    ask: (manager: EntityManager) => Promise<Answer>,
  ): Promise<Read<Answer>> {
    const position = await positionOf(this.options.store, at);
    const seen = await this.options.lookLimiter.run(() =>
      this.lookAndAsk(projection, position, ask),
    );
    return seen ?? this.options.limiter.run(() => this.rebuildAndAsk(projection, position, ask));
  }

  /** @returns Undefined when so old a moment is not kept. */
  private lookAndAsk<Answer>(
    projection: Projection,
    position: Position,
    ask: (manager: EntityManager) => Promise<Answer>,
  ): Promise<Read<Answer> | undefined> {
    return inReadTransaction(this.options.source, async ({ manager, sql }) => {
      const past = await layPastTables(sql, projection, position);
      if (past === undefined) return undefined;
      const { reader, rebuildTimeoutMs = 30_000 } = this.options;
      await catchUp(reader, sql, projection, past, position, Date.now() + rebuildTimeoutMs);
      await sql.query('set transaction read only');
      return { position, data: await ask(manager) };
    });
  }

  private rebuildAndAsk<Answer>(
    projection: Projection,
    until: Position,
    ask: (manager: EntityManager) => Promise<Answer>,
  ): Promise<Read<Answer>> {
    const { source, reader, rebuildTimeoutMs = 30_000 } = this.options;
    const deadlineMs = Date.now() + rebuildTimeoutMs;
    return inReadTransaction(source, async ({ manager, sql }) => {
      const base = this.past.before(projection, until);
      const cache = new RowCache(projection.tables.length, KEPT_BYTES_MAX, true);
      const tables = new TableSet(projection, ({ name }) => `pg_temp."${name}"`, { cache });
      await tables.createTemporary(sql);
      if (base !== undefined) await tables.seed(sql, base.rows);
      const from = base?.reached ?? { position: 0, parked: new Set() };
      const reached = await replay(reader, tables, sql, from, until, deadlineMs);
      if (cache.isComplete)
        this.past.keep(projection, { reached, rows: cache.rows(), bytes: cache.size });
      await sql.query('set transaction read only');
      return { position: reached.position, data: await ask(manager) };
    });
  }
}
