import { BREAKER_POLICY, type BreakerPolicy } from './breaker-policy';
import { checkedPolicy } from './checked-policy';
import { PatternTree } from './pattern-tree';

/** What every source, target or endpoint is. */
export const ANY = '*';

/** A policy for some calls; what it leaves out is as the defaults say. */
export interface BreakerRule {
  /** A service's name; `*`: whoever calls. */
  readonly source: string;
  /** A service's name; `*`: whatever is called. */
  readonly target: string;
  /** As `GET /orders/*`. */
  readonly pattern: string;
  readonly policy: Partial<BreakerPolicy>;
  /** What others know it by. */
  readonly id?: string;
}

export interface RuledPolicy {
  readonly pattern: string;
  readonly policy: BreakerPolicy;
  /** Of the rule it comes from; the defaults have none. */
  readonly id?: string;
}

const RULES_MAX = 10_000;

/**
 * The rules, made ready once. Those of a source and a target come before those of a target, these
 * before those of a source, and these before those of all; within one of them the most specific
 * pattern decides. Exactly one decides: rules do not add up.
 */
export class BreakerRules {
  private readonly trees = new Map<string, Map<string, PatternTree<RuledPolicy>>>();
  /** For whatever no rule matches. */
  readonly fallback: RuledPolicy;

  /** @throws {RangeError} A rule makes no sense, or two match the same. */
  constructor(
    rules: readonly BreakerRule[] = [],
    readonly defaults: BreakerPolicy = BREAKER_POLICY,
  ) {
    if (rules.length > RULES_MAX) throw new RangeError(`at most ${RULES_MAX} rules are followed`);
    this.fallback = { pattern: ANY, policy: checkedPolicy(defaults) };
    for (const { source, target, pattern, policy, id } of rules)
      this.treeOf(source, target).add(pattern, {
        pattern,
        policy: checkedPolicy({ ...defaults, ...policy }),
        ...(id !== undefined && { id }),
      });
  }

  /** Those that may decide for these two, the first of them first. */
  of(source: string, target: string): readonly PatternTree<RuledPolicy>[] {
    return [
      this.trees.get(source)?.get(target),
      this.trees.get(ANY)?.get(target),
      this.trees.get(source)?.get(ANY),
      this.trees.get(ANY)?.get(ANY),
    ].filter((tree) => tree !== undefined);
  }

  /** Which of them decides for an endpoint. */
  decide(trees: readonly PatternTree<RuledPolicy>[], endpoint: string): RuledPolicy {
    for (const tree of trees) {
      const found = tree.find(endpoint);
      if (found) return found;
    }
    return this.fallback;
  }

  /** The one of this very pattern: of several it is the first that any endpoint can come to. */
  named(trees: readonly PatternTree<RuledPolicy>[], pattern: string): RuledPolicy | undefined {
    for (const tree of trees) {
      const found = tree.named(pattern);
      if (found) return found;
    }
    return pattern === ANY ? this.fallback : undefined;
  }

  private treeOf(source: string, target: string): PatternTree<RuledPolicy> {
    const bySource = this.trees.get(source) ?? new Map<string, PatternTree<RuledPolicy>>();
    this.trees.set(source, bySource);
    const tree = bySource.get(target) ?? new PatternTree<RuledPolicy>();
    bySource.set(target, tree);
    return tree;
  }
}
