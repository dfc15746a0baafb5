import { setTimeout as pause } from 'node:timers/promises';
import { book, type Booking } from '../support/bookings';
import type { Suite } from '../support/suite';

const BATCH = 8;
const EVERY_MS = 1_000;

/** Bookings that keep coming, whatever happens to the suite meanwhile. */
export class SteadyLoad {
  private readonly batches: Promise<Booking[]>[] = [];
  private isOver = false;
  private readonly running: Promise<void>;

  constructor(
    private readonly suite: Suite,
    private readonly prefix: string,
  ) {
    this.running = this.run();
  }

  /** Starts no more. @returns All that were started, when each has been accepted. */
  async stop(): Promise<readonly Booking[]> {
    this.isOver = true;
    await this.running;
    return (await Promise.all(this.batches)).flat();
  }

  private async run(): Promise<void> {
    while (!this.isOver) {
      const batch = book(this.suite, `${this.prefix}-${this.batches.length}`, BATCH);
      batch.catch(() => undefined); // Whoever stops the load is told.
      this.batches.push(batch);
      await pause(EVERY_MS);
    }
  }
}
