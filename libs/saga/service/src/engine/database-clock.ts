import { Clock, ContextPool, Periodic } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';

const COMPARE_EVERY_MS = 10_000;

/**
 * The database's time, kept between comparisons by a clock that nobody can turn back. So all
 * replicas agree when a timer is due, whatever their machines say.
 */
@Injectable()
export class DatabaseClock extends Clock {
  /** Database time minus the monotonic clock, milliseconds. */
  private offsetMs = Date.now() - performance.now();
  private isCompared = false;
  private readonly periodic = new Periodic('comparing clocks', COMPARE_EVERY_MS, () =>
    this.compare(),
  );

  constructor(private readonly pool: ContextPool) {
    super();
  }

  async start(): Promise<void> {
    await this.compare();
    this.periodic.start();
  }

  async stop(): Promise<void> {
    await this.periodic.stop();
  }

  now(): number {
    return Math.floor(performance.now() + this.offsetMs);
  }

  private async compare(): Promise<void> {
    const asked = performance.now();
    const { rows } = await this.pool.query<{ ms: number }>(
      'select extract(epoch from clock_timestamp())::float8 * 1000 as ms',
    );
    const answered = performance.now();
    const [row] = rows;
    if (!row) return;
    // It was read somewhere between the question and the answer: a slow answer says little.
    const [least, most] = [row.ms - answered, row.ms - asked];
    if (!this.isCompared) this.offsetMs = (least + most) / 2;
    else this.offsetMs = Math.min(Math.max(this.offsetMs, least), most);
    this.isCompared = true;
  }
}
