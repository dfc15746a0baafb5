import type { BreakerPolicy } from './breaker-policy';
import type { RuledPolicy } from './breaker-rules';
import type { CircuitBreaker } from './circuit-breaker';
import type { PatternTree } from './pattern-tree';

/** Whose calls to what one breaker watches. */
export interface BreakerKey {
  readonly source: string;
  readonly target: string;
  /** The pattern of the rule that decides for the endpoint; `*` without one. */
  readonly pattern: string;
}

/** The same for the same key, and no other's. */
export const breakerName = ({ source, target, pattern }: BreakerKey): string =>
  JSON.stringify([source, target, pattern]);

export interface KeptBreaker {
  readonly key: BreakerKey;
  readonly breaker: CircuitBreaker;
  policy: BreakerPolicy;
  /** Rises with each use of any of them. */
  usedAt: number;
}

/** What one service calls of another. */
export interface Pair {
  trees: readonly PatternTree<RuledPolicy>[];
  readonly kept: Map<string, KeptBreaker>;
}

/** So many go at once that looking for them costs each new one next to nothing. */
const FORGOTTEN_SHARE = 1 / 16;
const FORGET_EVERY_MS = 1_000;

/** A bounded number of breakers, by source, target and pattern. */
export class BreakerTable {
  private readonly pairs = new Map<string, Map<string, Pair>>();
  private count = 0;
  private droppedCount = 0;
  private forgetFromMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly max: number,
    private readonly onDropped: (one: KeptBreaker) => void,
  ) {}

  get size(): number {
    return this.count;
  }

  /** How many were dropped. */
  get dropped(): number {
    return this.droppedCount;
  }

  pair(source: string, target: string): Pair | undefined {
    return this.pairs.get(source)?.get(target);
  }

  find({ source, target, pattern }: BreakerKey): KeptBreaker | undefined {
    return this.pair(source, target)?.kept.get(pattern);
  }

  /** @returns False when there is no room, nor anybody at rest who could make some. */
  add(pair: Pair, one: KeptBreaker, nowMs: number): boolean {
    if (this.count >= this.max && nowMs >= this.forgetFromMs) this.forget(nowMs);
    if (this.count >= this.max) return false;
    const { source, target, pattern } = one.key;
    const bySource = this.pairs.get(source) ?? new Map<string, Pair>();
    this.pairs.set(source, bySource);
    bySource.set(target, pair);
    pair.kept.set(pattern, one);
    this.count++;
    return true;
  }

  drop({ source, target, pattern }: BreakerKey): void {
    const bySource = this.pairs.get(source);
    const pair = bySource?.get(target);
    const one = pair?.kept.get(pattern);
    if (!pair || !one) return;
    pair.kept.delete(pattern);
    this.count--;
    this.droppedCount++;
    if (pair.kept.size === 0) bySource?.delete(target);
    if (bySource?.size === 0) this.pairs.delete(source);
    this.onDropped(one);
  }

  *[Symbol.iterator](): Generator<KeptBreaker> {
    for (const byTarget of this.pairs.values())
      for (const pair of byTarget.values()) yield* pair.kept.values();
  }

  /** Those of them that were not used for the longest time: nobody who has something to remember. */
  private forget(nowMs: number): void {
    const atRest = [...this].filter(({ breaker }) => breaker.isAtRest(nowMs));
    // When nobody is at rest, looking again for each call would be dearer than the calls.
    this.forgetFromMs = atRest.length > 0 ? nowMs : nowMs + FORGET_EVERY_MS;
    atRest.sort((one, other) => one.usedAt - other.usedAt);
    for (const { key } of atRest.slice(0, Math.ceil(this.max * FORGOTTEN_SHARE))) this.drop(key);
  }
}
