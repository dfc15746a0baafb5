import type { Row } from '../projection';

/**
 * Rows of one projection's tables while it is built, the latest written last, bounded by the size
 * of their JSON. As long as nothing had to be dropped it knows every row there is, so that a key it
 * does not hold has no row and Postgres need not be asked.
 */
export class RowCache {
  private readonly tables: Map<string, { readonly row: Row; readonly bytes: number }>[];
  private bytes = 0;
  private complete: boolean;

  /** @param isEmpty Whether the tables hold no row yet. */
  constructor(
    tables: number,
    private readonly bytesMax: number,
    isEmpty: boolean,
  ) {
    this.tables = Array.from({ length: tables }, () => new Map());
    this.complete = isEmpty;
  }

  get isComplete(): boolean {
    return this.complete;
  }

  get size(): number {
    return this.bytes;
  }

  get(table: number, key: string): Row | undefined {
    return this.tables[table]?.get(key)?.row;
  }

  set(table: number, key: string, row: Row, bytes: number): void {
    this.delete(table, key);
    this.tables[table]?.set(key, { row, bytes });
    this.bytes += bytes;
    if (this.bytes > this.bytesMax) this.drop();
  }

  delete(table: number, key: string): void {
    const held = this.tables[table]?.get(key);
    if (held === undefined) return;
    this.bytes -= held.bytes;
    this.tables[table]?.delete(key);
  }

  /** Forgets everything: another replica may have changed rows. */
  clear(): void {
    for (const table of this.tables) table.clear();
    this.bytes = 0;
    this.complete = false;
  }

  /** Every row held, table by table. */
  rows(): readonly ReadonlyMap<string, Row>[] {
    return this.tables.map(
      (table) => new Map([...table].map(([key, { row }]) => [key, row] as const)),
    );
  }

  /** Makes room: a quarter at once, so that it is not done for every row. */
  private drop(): void {
    this.complete = false;
    for (const [table, rows] of this.tables.entries())
      for (const key of rows.keys()) {
        if (this.bytes <= this.bytesMax * 0.75) return;
        this.delete(table, key);
      }
  }
}
