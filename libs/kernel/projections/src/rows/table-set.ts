import type { RecordedEvent, StreamName } from '@downbeat/eventsourcing';
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

/** One copy of a projection's tables in Postgres, and how events get into it. */
export class TableSet {
  readonly shapes: readonly TableShape[];

  /**
   * @param target Quoted name of a table of this copy.
   * @param cache Only for a copy that nobody else writes while the cache lives.
   */
  constructor(
    projection: Projection,
    private readonly target: (shape: TableShape) => string,
    readonly cache?: RowCache,
  ) {
    this.shapes = projection.tables.map(shapeOf);
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
  ): Promise<Outcome> {
    const planned = planEvents(this.shapes, events);
    const before = await this.rowsBefore(sql, planned);
    const folded = foldEvents(this.shapes, planned, before, parkedStreams);
    await this.count(sql, folded.changed, before);
    await this.write(sql, folded.changed, before);
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
    depth = 0,
  ): Promise<Outcome> {
    await sql.query(`savepoint batch_${depth}`);
    try {
      const outcome = await this.apply(sql, events, parkedStreams);
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
    const first = await this.applyCarefully(sql, events.slice(0, middle), parkedStreams, depth + 1);
    const parked = new Set([...parkedStreams, ...first.parked.map(({ event }) => event.stream)]);
    const rest = await this.applyCarefully(sql, events.slice(middle), parked, depth + 1);
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
    const found = await sql.query(preloadSql(shape, this.target(shape)), [storable]);
    for (const row of found.rows) rows.set(String(row[shape.key]), row);
  }

  private async write(sql: Sql, changed: Folded['changed'], before: RowsByTable): Promise<void> {
    const written: (() => void)[] = [];
    for (const [table, rows] of changed.entries()) {
      const shape = this.shapes[table];
      if (shape === undefined) continue;
      const gone: string[] = [];
      const upserts: string[] = [];
      for (const [key, row] of rows) {
        const old = before[table]?.get(key);
        if (row === old) continue;
        if (row === undefined) {
          gone.push(key);
          written.push(() => this.cache?.delete(table, key));
        } else {
          const json = rowJson(shape, row);
          upserts.push(json);
          written.push(() => this.cache?.set(table, key, row, json.length));
        }
      }
      await this.upsert(sql, shape, upserts);
      if (gone.length > 0) await sql.query(deleteSql(shape, this.target(shape)), [gone]);
    }
    if (this.cache !== undefined) for (const remember of written) remember();
  }

  private async upsert(sql: Sql, shape: TableShape, rows: readonly string[]): Promise<void> {
    const text = upsertSql(shape, this.target(shape));
    for (let from = 0; from < rows.length;) {
      let chars = 0;
      let to = from;
      while (to < rows.length && (to === from || chars < STATEMENT_CHARS_MAX))
        chars += rows[to++]?.length ?? 0;
      await sql.query(text, [`[${rows.slice(from, to).join(',')}]`]);
      from = to;
    }
  }
}
