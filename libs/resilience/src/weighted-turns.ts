/**
 * Whose turn it is among classes that each have a weight: over time each gets its share of the
 * turns, the light ones too, and no class gets many in a row.
 *
 * @see Smooth weighted round robin, as in nginx's upstream balancer.
 */
export class WeightedTurns<Class extends string> {
  private readonly credit = new Map<Class, number>();

  /** @param weights Above 0. */
  constructor(private readonly weights: Readonly<Record<Class, number>>) {}

  /** @param classes Those that want a turn; at least one, each named once. */
  next(classes: readonly Class[]): Class {
    let total = 0;
    let chosen: Class | undefined;
    for (const one of classes) {
      const weight = this.weights[one];
      total += weight;
      this.credit.set(one, this.creditOf(one) + weight);
      if (chosen === undefined || this.creditOf(one) > this.creditOf(chosen)) chosen = one;
    }
    if (chosen === undefined) throw new RangeError('nobody wants a turn');
    this.credit.set(chosen, this.creditOf(chosen) - total);
    return chosen;
  }

  /** A class that has nobody left neither saves up turns nor owes any. */
  forget(one: Class): void {
    this.credit.delete(one);
  }

  private creditOf(one: Class): number {
    return this.credit.get(one) ?? 0;
  }
}
