import { WeightedTurns } from '../weighted-turns';
import { PRIORITIES, type Priority } from './priority';

/** Those who wait, by priority: priorities take turns by weight, within one the first that came goes. */
export class WaitingLine<Waiter> {
  private readonly lines: Readonly<Record<Priority, Set<Waiter>>> = {
    critical: new Set(),
    high: new Set(),
    normal: new Set(),
    low: new Set(),
  };
  private readonly turns: WeightedTurns<Priority>;
  private count = 0;

  constructor(weights: Readonly<Record<Priority, number>>) {
    this.turns = new WeightedTurns(weights);
  }

  get size(): number {
    return this.count;
  }

  /** How many of one priority wait. */
  of(priority: Priority): number {
    return this.lines[priority].size;
  }

  add(waiter: Waiter, priority: Priority): void {
    this.lines[priority].add(waiter);
    this.count++;
  }

  /** Takes out whose turn it is. */
  next(): Waiter | undefined {
    const waiting = PRIORITIES.filter((priority) => this.lines[priority].size > 0);
    if (waiting.length === 0) return undefined;
    const priority = this.turns.next(waiting);
    for (const first of this.lines[priority]) {
      this.drop(first, priority);
      return first;
    }
    return undefined;
  }

  /** @returns Whether it was there. */
  drop(waiter: Waiter, priority: Priority): boolean {
    if (!this.lines[priority].delete(waiter)) return false;
    this.count--;
    if (this.lines[priority].size === 0) this.turns.forget(priority);
    return true;
  }
}
