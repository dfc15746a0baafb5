import type { Position, RecordedEvent, StreamName } from '@downbeat/eventsourcing';
import { countedRows, differencesOf } from './counts';
import {
  foldEvents,
  keysOf,
  planEvents,
  reasonOf,
  type Folded,
  type ParkedEvent,
  type PlannedEvent,
  type RowsByTable,
} from './fold';
import { isStorable } from '../tables/column-types';
import { keepPastSql } from '../tables/past-sql';
import { isRefusedRow } from '../database-faults';
import type { Projection, Row } from '../projection';
import type { RowCache } from './row-cache';
import {
  createTableSql,
  deleteSql,
  preloadSql,
  rowJson,
  upsertSql,
  type Sql,
} from '../tables/table-sql';
import { shapeOf, type TableShape } from '../tables/table-shape';

/** One statement carries at most this much JSON; a batch of ordinary rows fits in one. */
const STATEMENT_CHARS_MAX = 8_000_000;

/** What became of a batch: the three add up to its events. */
export interface Outcome {
  readonly applied: number;
  readonly ignored: number;
  readonly parked: readonly ParkedEvent[];
}

/** What a copy that others ask about the past needs to know of a batch. */
export interface Dated {
  /** The last position of the batch: its rows are so since then. */
  readonly since: Position;
  /** Whether the rows that it changes are kept as they were. */
  readonly keepsPast: boolean;
}

export interface TableSetOptions {
  /** Only for a copy that nobody else writes while the cache lives. */
  readonly cache?: RowCache;
  /** Where rows are read, when that is not where they are written. */
  readonly source?: (shape: TableShape) => string;
  /** Where rows are kept that are no longer so. */
  readonly past?: (shape: TableShape) => string;
  /** Is told the keys of rows that were written or are gone. */
  readonly onWritten?: (sql: Sql, shape: TableShape, keys: readonly string[]) => Promise<void>;
}

/** One copy of a projection's tables in Postgres, and how events get into it. */
export class TableSet {
  readonly shapes: readonly TableShape[];

  /** @param target Quoted name of a table of this copy. */
  constructor(
    projection: Projection,
    private readonly target: (shape: TableShape) => string,
    private readonly options: TableSetOptions = {},
  ) {
    this.shapes = projection.tables.map(shapeOf);
  }

  get cache(): RowCache | undefined {
    return this.options.cache;
  }

  async createTemporary(sql: Sql): Promise<void> {
    for (const shape of this.shapes)
      await sql.query(createTableSql(shape, this.target(shape), true));
  }

  /**
   * Preload, fold, one upsert and one delete per table, in the caller's transaction.
   *
   * @throws A data error of Postgres when a row cannot be stored: see `applyCarefully`.
   */
  async apply(
    sql: Sql,
    events: readonly RecordedEvent[],
    parkedStreams: ReadonlySet<StreamName>,
    dated?: Dated,
  ): Promise<Outcome> {
    const planned = planEvents(this.shapes, events);
    const before = await this.rowsBefore(sql, planned);
    const folded = foldEvents(this.shapes, planned, before, parkedStreams);
    await this.count(sql, folded.changed, before);
    await this.write(sql, folded.changed, before, dated);
    return folded;
  }

  /** Adds what the changes mean for the tables that count others. */
  private async count(sql: Sql, changed: Folded['changed'], before: RowsByTable): Promise<void> {
    for (const [table, shape] of this.shapes.entries()) {
      const { counting } = shape;
      if (!counting) continue;
      const source = this.shapes.findIndex(({ name }) => name === counting.of);
      const [rows, old] = [changed[source] ?? new Map(), before[source] ?? new Map()];
      const differences = differencesOf(counting, rows, old);
      if (differences.size === 0) continue;
      const known = await this.rowsOf(sql, table, differences.keys());
      for (const [kind, row] of known) before[table]?.set(kind, row);
      for (const [kind, row] of countedRows(shape, differences, known))
        changed[table]?.set(kind, row);
    }
  }

  /** Like `apply`, but finds the one event whose rows Postgres refuses, by halving, and parks it. */
  async applyCarefully(
    sql: Sql,
    events: readonly RecordedEvent[],
    parkedStreams: ReadonlySet<StreamName>,
    dated?: Dated,
    depth = 0,
  ): Promise<Outcome> {
    await sql.query(`savepoint batch_${depth}`);
    try {
      const outcome = await this.apply(sql, events, parkedStreams, dated);
      await sql.query(`release savepoint batch_${depth}`);
      return outcome;
    } catch (fault) {
      if (!isRefusedRow(fault)) throw fault;
      await sql.query(`rollback to savepoint batch_${depth}`);
      const [event] = events;
      if (events.length === 1 && event !== undefined)
        return { applied: 0, ignored: 0, parked: [{ event, error: reasonOf(fault) }] };
    }
    const middle = Math.ceil(events.length / 2);
    const [begin, end] = [events.slice(0, middle), events.slice(middle)];
    const first = await this.applyCarefully(sql, begin, parkedStreams, dated, depth + 1);
    const parked = new Set([...parkedStreams, ...first.parked.map(({ event }) => event.stream)]);
    const rest = await this.applyCarefully(sql, end, parked, dated, depth + 1);
    return {
      applied: first.applied + rest.applied,
      ignored: first.ignored + rest.ignored,
      parked: [...first.parked, ...rest.parked],
    };
  }

  /** Writes rows as they are: a copy made earlier. */
  async seed(sql: Sql, rows: readonly ReadonlyMap<string, Row>[]): Promise<void> {
    const none = this.shapes.map(() => new Map<string, Row | undefined>());
    await this.write(
      sql,
      rows.map((table) => new Map<string, Row | undefined>(table)),
      none,
    );
  }

  private async rowsBefore(sql: Sql, planned: readonly PlannedEvent[]): Promise<RowsByTable> {
    const before: Map<string, Row | undefined>[] = [];
    for (const [table, keys] of keysOf(this.shapes.length, planned).entries())
      before.push(await this.rowsOf(sql, table, keys));
    return before;
  }

  private async rowsOf(
    sql: Sql,
    table: number,
    keys: Iterable<string>,
  ): Promise<Map<string, Row | undefined>> {
    const rows = new Map<string, Row | undefined>();
    const missing: string[] = [];
    for (const key of keys) {
      const row = this.cache?.get(table, key);
      if (row !== undefined) rows.set(key, row);
      else if (this.cache?.isComplete !== true) missing.push(key);
    }
    await this.preload(sql, this.shapes[table], missing, rows);
    return rows;
  }

  private async preload(
    sql: Sql,
    shape: TableShape | undefined,
    keys: readonly string[],
    rows: Map<string, Row | undefined>,
  ): Promise<void> {
    // No row can have a key that Postgres cannot store; the fold refuses it later, with its name.
    const storable = keys.filter(isStorable);
    if (shape === undefined || storable.length === 0) return;
    const source = (this.options.source ?? this.target)(shape);
    const found = await sql.query(preloadSql(shape, source), [storable]);
    for (const row of found.rows) rows.set(String(row[shape.key]), row);
  }

  private async write(
    sql: Sql,
    changed: Folded['changed'],
    before: RowsByTable,
    dated?: Dated,
  ): Promise<void> {
    const written: (() => void)[] = [];
    for (const [table, rows] of changed.entries()) {
      const shape = this.shapes[table];
      if (shape === undefined) continue;
      const gone: string[] = [];
      const upserts: string[] = [];
      const replaced: string[] = [];
      const keys: string[] = [];
      for (const [key, row] of rows) {
        const old = before[table]?.get(key);
        if (row === old) continue;
        keys.push(key);
        if (old !== undefined) replaced.push(key);
        if (row === undefined) {
          gone.push(key);
          written.push(() => this.cache?.delete(table, key));
        } else {
          const json = rowJson(shape, row);
          upserts.push(json);
          written.push(() => this.cache?.set(table, key, row, json.length));
        }
      }
      const kept = dated?.keepsPast === true ? replaced : [];
      await this.upsert(sql, shape, upserts, kept, dated);
      await this.remove(sql, shape, gone, upserts.length > 0 ? [] : kept, dated);
      if (keys.length > 0) await this.options.onWritten?.(sql, shape, keys);
    }
    if (this.cache !== undefined) for (const remember of written) remember();
  }

  /** @param kept Keys of rows that are kept as they were, by the first statement. */
  private async upsert(
    sql: Sql,
    shape: TableShape,
    rows: readonly string[],
    kept: readonly string[],
    dated?: Dated,
  ): Promise<void> {
    const target = this.target(shape);
    const text = upsertSql(shape, target, dated !== undefined);
    const past = kept.length > 0 ? this.options.past?.(shape) : undefined;
    for (let from = 0; from < rows.length;) {
      let chars = 0;
      let to = from;
      while (to < rows.length && (to === from || chars < STATEMENT_CHARS_MAX))
        chars += rows[to++]?.length ?? 0;
      const json = `[${rows.slice(from, to).join(',')}]`;
      if (dated === undefined) await sql.query(text, [json]);
      else if (past === undefined || from > 0) await sql.query(text, [json, dated.since]);
      else {
        const keep = keepPastSql(shape, target, past, '$3');
        await sql.query(keep + text, [json, dated.since, kept]);
      }
      from = to;
    }
  }

  /** @param kept Keys of rows that are kept as they were: none, or all. */
  private async remove(
    sql: Sql,
    shape: TableShape,
    gone: readonly string[],
    kept: readonly string[],
    dated?: Dated,
  ): Promise<void> {
    if (gone.length === 0) return;
    const target = this.target(shape);
    const past = kept.length > 0 ? this.options.past?.(shape) : undefined;
    if (dated === undefined || past === undefined)
      await sql.query(deleteSql(shape, target), [gone]);
    else {
      const keep = keepPastSql(shape, target, past, '$1');
      await sql.query(keep + deleteSql(shape, target), [gone, dated.since]);
    }
  }
}
