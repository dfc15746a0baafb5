/** Chance that is the same for the same seed (mulberry32). */
export class Chance {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** Another sequence of the same seed: what is drawn from the one does not change the other. */
  static of(seed: number, purpose: string): Chance {
    let mixed = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
    for (const letter of purpose)
      mixed = Math.imul(mixed ^ (letter.codePointAt(0) ?? 0), 0x01000193) >>> 0;
    return new Chance(mixed ^ (mixed >>> 15));
  }

  /** From 0, less than 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  isLucky(probability: number): boolean {
    return this.next() < probability;
  }

  /** A whole number from 0, less than `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  /** A number from `first`, less than `end`. */
  between(first: number, end: number): number {
    return first + this.next() * (end - first);
  }

  oneOf<Value>(first: Value, ...others: readonly Value[]): Value {
    return [first, ...others][this.below(others.length + 1)] ?? first;
  }

  /** Nothing of an empty list. */
  pick<Value>(values: readonly Value[]): Value | undefined {
    return values[this.below(values.length)];
  }
}
