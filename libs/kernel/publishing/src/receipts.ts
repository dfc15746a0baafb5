import type { Pool } from 'pg';

/** How far each consumer of a context's publications has come. */
export interface Confirmed {
  readonly consumer: string;
  readonly number: number;
}

/** Reads receipts; they are written in the append that is the effect of a publication. */
export class Receipts {
  constructor(private readonly pool: Pool) {}

  /** The last number of `source` that `consumer` has applied; 0 before the first. */
  async lastOf(consumer: string, source: string): Promise<number> {
    const { rows } = await this.pool.query<{ number: string }>(
      'select number from log.receipt where consumer = $1 and source = $2',
      [consumer, source],
    );
    return Number(rows[0]?.number ?? 0);
  }

  /** Every consumer of `source` that has ever applied something. */
  async confirmedOf(source: string): Promise<readonly Confirmed[]> {
    const { rows } = await this.pool.query<{ consumer: string; number: string }>(
      'select consumer, number from log.receipt where source = $1 order by consumer',
      [source],
    );
    return rows.map((row) => ({ consumer: row.consumer, number: Number(row.number) }));
  }
}
