import type { Confirmed } from './receipts';

const BACK_OFF_MAX_MS = 600_000;

interface Standing {
  readonly number: number;
  readonly tries: number;
  readonly dueAt: number;
}

/**
 * Finds consumers that stand still although something was sent to them long ago. One that moves is
 * slow and gets there by itself; one that was sent things again to no avail is asked less and less
 * often, as sending again cannot be what it needs.
 */
export class Laggards {
  private readonly standing = new Map<string, Standing>();

  /** @param patienceMs How long one must have stood still, and the first back-off. */
  constructor(private readonly patienceMs: number) {}

  /**
   * @param due The newest number that everybody should have confirmed by now.
   * @returns The number after which to send again; undefined when nobody stands still.
   */
  look(confirmed: readonly Confirmed[], due: number, now: number): number | undefined {
    const behind = confirmed.filter(({ number }) => number < due);
    const names = new Set(behind.map(({ consumer }) => consumer));
    for (const consumer of this.standing.keys())
      if (!names.has(consumer)) this.standing.delete(consumer);
    const numbers = behind.filter((one) => this.isDue(one, now)).map(({ number }) => number);
    return numbers.length === 0 ? undefined : Math.min(...numbers);
  }

  private isDue({ consumer, number }: Confirmed, now: number): boolean {
    const before = this.standing.get(consumer);
    const isMoving = before?.number !== number;
    if (!isMoving && now < before.dueAt) return false;
    const tries = isMoving ? 0 : before.tries + 1;
    const dueAt = now + Math.min(this.patienceMs * 2 ** tries, BACK_OFF_MAX_MS);
    this.standing.set(consumer, { number, tries, dueAt });
    return !isMoving;
  }
}
