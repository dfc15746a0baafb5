import { BreakerRules, type RuledPolicy } from './breaker-rules';
import type { BreakerStatistics } from './breaker-statistics';
import { CircuitBreaker } from './circuit-breaker';
import type { PatternTree } from './pattern-tree';
import type { Transition } from './transition';

/** Whose calls to what one breaker watches. */
export interface BreakerKey {
  readonly source: string;
  readonly target: string;
  /** The pattern of the rule that decides for the endpoint; `*` without one. */
  readonly pattern: string;
}

export interface BreakersOptions {
  /** From 0 to 1. */
  readonly chance: () => number;
  /** Above it those at rest for the longest time are forgotten; default 10,000. */
  readonly breakersMax?: number;
  readonly onTransition?: (key: BreakerKey, transition: Transition) => void;
}

interface Kept {
  readonly key: BreakerKey;
  readonly breaker: CircuitBreaker;
  policy: RuledPolicy['policy'];
  /** Rises with each use of any of them. */
  usedAt: number;
}

/** What one service does to another. */
interface Pair {
  trees: readonly PatternTree<RuledPolicy>[];
  readonly kept: Map<string, Kept>;
}

const BREAKERS_MAX = 10_000;
/** So many go at once that looking for them costs each new one next to nothing. */
const FORGOTTEN_SHARE = 1 / 16;
const FORGET_EVERY_MS = 1_000;

/** The breakers of a process: one for each source, target and endpoint pattern that is called. */
export class Breakers {
  private readonly pairs = new Map<string, Map<string, Pair>>();
  private rules = new BreakerRules();
  private count = 0;
  private uses = 0;
  private forgetFromMs = Number.NEGATIVE_INFINITY;
  private readonly max: number;

  constructor(private readonly options: BreakersOptions) {
    this.max = options.breakersMax ?? BREAKERS_MAX;
  }

  get size(): number {
    return this.count;
  }

  /**
   * The breaker that watches these calls; made when there is none. When there are too many and none
   * is at rest it is not kept, and its callers go unwatched: a bound is a bound.
   */
  of(source: string, target: string, endpoint: string, nowMs: number): CircuitBreaker {
    const pair = this.pairOf(source, target);
    const ruled = this.rules.decide(pair.trees, endpoint);
    const known = pair.kept.get(ruled.pattern);
    if (!known) return this.make(pair, { source, target, pattern: ruled.pattern }, ruled, nowMs);
    known.usedAt = ++this.uses;
    return known.breaker;
  }

  /** The breaker there is, for whoever reads, forces or resets it. */
  find({ source, target, pattern }: BreakerKey): CircuitBreaker | undefined {
    return this.pairs.get(source)?.get(target)?.kept.get(pattern)?.breaker;
  }

  /** The policy of the breaker there is. */
  policyOf({ source, target, pattern }: BreakerKey): RuledPolicy['policy'] | undefined {
    return this.pairs.get(source)?.get(target)?.kept.get(pattern)?.policy;
  }

  *list(nowMs: number): Generator<BreakerKey & BreakerStatistics> {
    for (const { key, breaker } of this.all()) yield { ...key, ...breaker.statistics(nowMs) };
  }

  /**
   * Other rules from now on. Breakers whose pattern is still decided by a rule keep their state under
   * its new policy; those whose pattern is gone are gone with it.
   */
  follow(rules: BreakerRules): void {
    this.rules = rules;
    for (const [source, byTarget] of this.pairs)
      for (const [target, pair] of byTarget) {
        pair.trees = rules.of(source, target);
        for (const one of pair.kept.values()) this.ruleAgain(pair, one);
        if (pair.kept.size === 0) byTarget.delete(target);
      }
  }

  private ruleAgain(pair: Pair, one: Kept): void {
    const ruled = this.rules.named(pair.trees, one.key.pattern);
    if (!ruled) {
      pair.kept.delete(one.key.pattern);
      this.count--;
    } else if (ruled.policy !== one.policy) {
      one.policy = ruled.policy;
      one.breaker.follow(ruled.policy);
    }
  }

  private make(pair: Pair, key: BreakerKey, { policy }: RuledPolicy, nowMs: number) {
    const { chance, onTransition } = this.options;
    const tell = onTransition && ((transition: Transition) => onTransition(key, transition));
    const breaker = new CircuitBreaker(policy, chance, tell);
    if (this.count >= this.max && nowMs >= this.forgetFromMs) this.forget(nowMs);
    if (this.count >= this.max) return breaker;
    pair.kept.set(key.pattern, { key, breaker, policy, usedAt: ++this.uses });
    // The pair itself may have been forgotten a moment ago.
    this.mapOf(key.source).set(key.target, pair);
    this.count++;
    return breaker;
  }

  /** Makes room: those that would be missed least, and nobody who is open, forced or has evidence. */
  private forget(nowMs: number): void {
    // When nobody is at rest, looking again for each call would be dearer than the calls.
    this.forgetFromMs = nowMs + FORGET_EVERY_MS;
    const atRest = [...this.all()].filter(({ breaker }) => breaker.isAtRest(nowMs));
    atRest.sort((one, other) => one.usedAt - other.usedAt);
    if (atRest.length > 0) this.forgetFromMs = nowMs;
    for (const { key } of atRest.slice(0, Math.ceil(this.max * FORGOTTEN_SHARE))) {
      const byTarget = this.pairs.get(key.source);
      const pair = byTarget?.get(key.target);
      if (pair?.kept.delete(key.pattern)) this.count--;
      if (pair?.kept.size === 0) byTarget?.delete(key.target);
      if (byTarget?.size === 0) this.pairs.delete(key.source);
    }
  }

  private *all(): Generator<Kept> {
    for (const byTarget of this.pairs.values())
      for (const pair of byTarget.values()) yield* pair.kept.values();
  }

  private pairOf(source: string, target: string): Pair {
    return (
      this.pairs.get(source)?.get(target) ?? {
        trees: this.rules.of(source, target),
        kept: new Map(),
      }
    );
  }

  private mapOf(source: string): Map<string, Pair> {
    const known = this.pairs.get(source) ?? new Map<string, Pair>();
    this.pairs.set(source, known);
    return known;
  }
}
