import type { Pool } from 'pg';

/** How far each consumer of a context's publications has come. */
export interface Confirmed {
  readonly consumer: string;
  readonly number: number;
}

/** Who has applied a context's publications. Receipts are written in the append that is the effect of one. */
export abstract class Receipts {
  /** Every consumer of `source` that has ever applied something, whichever context it is of. */
  abstract confirmedOf(source: string): Promise<readonly Confirmed[]>;
}

/** Reads the log's own table: a row level policy shows a context the receipts of its publications. */
export class PostgresReceipts extends Receipts {
  /** @param logName The log's schema; `log` unless configured otherwise. */
  constructor(
    private readonly pool: Pool,
    private readonly logName = 'log',
  ) {
    super();
  }

  async confirmedOf(source: string): Promise<readonly Confirmed[]> {
    const { rows } = await this.pool.query<{ consumer: string; number: string }>(
      `select consumer, number from "${this.logName}".receipt where source = $1 order by consumer`,
      [source],
    );
    return rows.map((row) => ({ consumer: row.consumer, number: Number(row.number) }));
  }
}
