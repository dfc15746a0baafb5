import type { BreakerPolicy } from './breaker-policy';
import { BreakerRules, type RuledPolicy } from './breaker-rules';
import type { BreakerStatistics } from './breaker-statistics';
import { BreakerTable, type BreakerKey, type KeptBreaker, type Pair } from './breaker-table';
import { CircuitBreaker } from './circuit-breaker';
import type { Counts } from './sliding-counts';
import type { Transition } from './transition';

export interface BreakersOptions {
  /** From 0 to 1. */
  readonly chance: () => number;
  /** Above it those at rest for the longest time are forgotten; default 10,000. */
  readonly breakersMax?: number;
  readonly onTransition?: (key: BreakerKey, transition: Transition) => void;
  /** Told of each that is made and kept, before anybody uses it. */
  readonly onKept?: (one: KeptBreaker) => void;
  /** Told of each that goes. */
  readonly onDropped?: (one: KeptBreaker) => void;
}

const BREAKERS_MAX = 10_000;

/** The breakers of a process: one for each source, target and endpoint pattern that is called. */
export class Breakers {
  private readonly table: BreakerTable;
  private rules = new BreakerRules();
  private uses = 0;
  private followed = 0;

  constructor(private readonly options: BreakersOptions) {
    const { breakersMax = BREAKERS_MAX, onDropped = () => undefined } = options;
    this.table = new BreakerTable(breakersMax, onDropped);
  }

  get size(): number {
    return this.table.size;
  }

  /** Rises when a breaker goes, and with other rules: what {@link soleOf} gave before may be outdated then. */
  get revision(): number {
    return this.followed + this.table.dropped;
  }

  /** The breaker of all calls to a target, when no rule tells its endpoints apart and it is kept. */
  soleOf(source: string, target: string, nowMs: number): CircuitBreaker | undefined {
    const { trees } = this.pairOf(source, target);
    if (!trees.every((tree) => tree.isTrivial)) return undefined;
    const breaker = this.of(source, target, '', nowMs);
    const { pattern } = this.rules.decide(trees, '');
    return this.find({ source, target, pattern }) === breaker ? breaker : undefined;
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
  find(key: BreakerKey): CircuitBreaker | undefined {
    return this.table.find(key)?.breaker;
  }

  /** The policy of the breaker there is. */
  policyOf(key: BreakerKey): BreakerPolicy | undefined {
    return this.table.find(key)?.policy;
  }

  /** What the rules say of such a breaker, whether there is one or not. */
  ruledOf({ source, target, pattern }: BreakerKey): RuledPolicy {
    const { rules } = this;
    return rules.named(rules.of(source, target), pattern) ?? rules.fallback;
  }

  /** Forgets it, whatever it knows: nobody is to call through it any more. */
  drop(key: BreakerKey): void {
    this.table.drop(key);
  }

  *list(nowMs: number): Generator<BreakerKey & BreakerStatistics> {
    for (const { key, breaker } of this.table) yield { ...key, ...breaker.statistics(nowMs) };
  }

  /** What this process saw since it was last asked, where it saw something, for others to {@link hear}. */
  *tell(): Generator<BreakerKey & Counts> {
    for (const { key, breaker } of this.table) {
      const counts = breaker.tell();
      if (counts.calls > 0) yield { ...key, ...counts };
    }
  }

  /** What another process saw. A pattern that no rule here has is not heard of. */
  hear({ calls, failures, slow, ...key }: BreakerKey & Counts, nowMs: number): void {
    const pair = this.pairOf(key.source, key.target);
    const ruled = this.rules.named(pair.trees, key.pattern);
    const known = pair.kept.get(key.pattern)?.breaker;
    const breaker = known ?? (ruled && this.make(pair, key, ruled, nowMs));
    breaker?.hear(calls, failures, nowMs, slow);
  }

  /**
   * Other rules from now on. Breakers whose pattern is still decided by a rule keep their state, and
   * what they saw if their policy is the same; those whose pattern is gone are gone with it.
   */
  follow(rules: BreakerRules): void {
    this.rules = rules;
    this.followed++;
    for (const one of [...this.table]) this.ruleAgain(one);
  }

  private ruleAgain(one: KeptBreaker): void {
    const { key } = one;
    const trees = this.rules.of(key.source, key.target);
    const pair = this.table.pair(key.source, key.target);
    if (pair) pair.trees = trees;
    const ruled = this.rules.named(trees, key.pattern);
    if (!ruled) return this.table.drop(key);
    if (JSON.stringify(ruled.policy) !== JSON.stringify(one.policy))
      one.breaker.follow(ruled.policy);
    one.policy = ruled.policy;
  }

  private make(pair: Pair, key: BreakerKey, { policy }: RuledPolicy, nowMs: number) {
    const { chance, onTransition, onKept } = this.options;
    const tell = onTransition && ((transition: Transition) => onTransition(key, transition));
    const breaker = new CircuitBreaker(policy, chance, tell);
    const one: KeptBreaker = { key, breaker, policy, usedAt: ++this.uses };
    if (this.table.add(pair, one, nowMs)) onKept?.(one);
    return breaker;
  }

  private pairOf(source: string, target: string): Pair {
    const known = this.table.pair(source, target);
    return known ?? { trees: this.rules.of(source, target), kept: new Map() };
  }
}
