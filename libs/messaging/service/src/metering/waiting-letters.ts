import { ContextPool, HostMetrics, Periodic } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { Quarantine } from '../dead-letters/quarantine';

/** The table keeps what was settled, and is read as a whole for this: not often. */
const REFRESH_EVERY_MS = 15_000;

interface WaitingRow {
  readonly context: string;
  readonly consumer: string;
  readonly count: number;
  readonly [column: string]: unknown;
}

/** How many dead letters wait for an operator, of all contexts; a quarter of a minute old. */
@Injectable()
export class WaitingLetters {
  private waiting: readonly WaitingRow[] = [];
  private readonly periodic = new Periodic('counting dead letters', REFRESH_EVERY_MS, () =>
    this.refresh(),
  );

  constructor(
    private readonly pool: ContextPool,
    private readonly quarantine: Quarantine,
    { registry }: HostMetrics,
  ) {
    const rows = (): readonly WaitingRow[] => this.waiting;
    new Gauge({
      registers: [registry],
      name: 'downbeat_dead_letters_waiting',
      help: 'Dead letters that wait for an operator, those of all services as one; each replica shows the same',
      labelNames: ['context', 'consumer'],
      collect() {
        this.reset();
        // So that there is something to compare while nothing waits.
        this.set({ context: 'messaging', consumer: 'services' }, 0);
        for (const { context, consumer, count } of rows()) this.set({ context, consumer }, count);
      },
    });
  }

  start(): void {
    this.periodic.start({ atOnce: true });
  }

  async stop(): Promise<void> {
    await this.periodic.stop();
  }

  /** One round. */
  async refresh(): Promise<void> {
    const { rows } = await this.pool.query<WaitingRow>(
      `select context, case consumer when context || '-commands' then consumer else 'services' end
                as consumer, count(*)::float8 as count
         from ${this.quarantine.table} where status in ('quarantined', 'redriving') group by 1, 2`,
    );
    this.waiting = rows;
  }
}
