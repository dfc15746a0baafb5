import { Affinities } from './affinities';
import { Arrangement } from './arrangement';
import { CallEnding, Endpoint } from './endpoint';
import { EndpointLease } from './endpoint-lease';
import { fractionOf, hashOf, mix } from './hash';
import { Member } from './member';
import { OutlierEjection } from './outlier-ejection';
import { BalancerPolicy, checkPolicy } from './policy';
import { Roster } from './roster';
import { Standing, standingOf } from './standing';
import { Strategy } from './strategies/strategy';
import { strategyOf } from './strategies/strategy-of';
import { tiersOf } from './tiers';

/** Calls that came back from an endpoint. */
export interface EndpointCounts {
  readonly id: string;
  readonly ok: number;
  readonly failed: number;
}

/** Makes the choice of a key's tier independent of that within the tier. */
const TIER_SALT = 0x9e3779b9;

/**
 * Who gets the next call to a service: one strategy, within the tiers of priority and zone, among
 * those who are well. Between two changes of who that is, a pick is the strategy's choice and one
 * small object.
 *
 * All times are milliseconds of one clock that does not go back, such as `performance.now()`.
 */
export class Balancer<E extends Endpoint> {
  private arrangement: Arrangement<E> | undefined;
  private dueMs = -Infinity;
  private ejectionsSeen = 0;
  private readonly roster: Roster<E>;
  private readonly strategy: Strategy;
  private readonly outliers: OutlierEjection<E> | undefined;
  private readonly affinities: Affinities<Member<E>> | undefined;

  /**
   * @param chance A random number from 0, below 1. The same numbers lead to the same picks.
   * @throws {RangeError} The policy has a number out of its bounds.
   */
  constructor(
    private readonly policy: BalancerPolicy,
    private readonly chance: () => number,
  ) {
    checkPolicy(policy);
    this.roster = new Roster(policy.decayMs);
    this.strategy = strategyOf(policy.strategy, policy.hashBound, chance);
    this.outliers = policy.outliers && new OutlierEjection(policy.outliers);
    this.affinities = policy.stickyKeysMax > 0 ? new Affinities(policy.stickyKeysMax) : undefined;
  }

  /**
   * Takes the next snapshot. What is known of endpoints that stay is kept, calls under way to those
   * that left may still end. Those of the first snapshot count as warm: it is the caller that is new.
   *
   * @param endpoints Not changed from here on; the same array again changes nothing.
   * @throws {RangeError} As `checkEndpoints`; the snapshot before goes on serving.
   */
  update(endpoints: readonly E[], nowMs: number): void {
    if (!this.roster.list(endpoints, nowMs)) return;
    this.outliers?.list(this.roster.members, nowMs);
    this.arrange(nowMs);
  }

  /**
   * An endpoint for one call; end the lease when the call is over. In memory, and linear in the
   * number of endpoints at most.
   *
   * @param key    Calls with the same key go to the same endpoint where the policy makes keys stick
   *               or hashes them.
   * @param except Ids to keep away from, such as those that have just failed; if nobody else is
   *               there they are used all the same.
   * @returns undefined if nobody may take a call.
   */
  pick(nowMs: number, key?: string, except?: readonly string[]): EndpointLease<E> | undefined {
    const member = this.take(nowMs, key, except);
    return member && new EndpointLease(member, this.outliers, nowMs);
  }

  /** As {@link pick}, for whoever sees to it himself that {@link ended} is called once. */
  take(nowMs: number, key?: string, except?: readonly string[]): Member<E> | undefined {
    if (nowMs >= this.dueMs || this.isOutdated()) this.arrange(nowMs);
    const member =
      key === undefined || this.affinities === undefined
        ? this.choose(nowMs, key, except)
        : this.chooseSticky(this.affinities, nowMs, key, except);
    if (member !== undefined) member.underWay++;
    return member;
  }

  /** @param tookMs undefined: it was not timed; only of a call that ended well. */
  ended(member: Member<E>, ending: CallEnding, tookMs: number | undefined, nowMs: number): void {
    member.ended(ending, tookMs, nowMs);
    this.outliers?.saw(member, ending, nowMs);
  }

  /** Why each endpoint is or is not picked at this moment, in the snapshot's order. Changes nothing. */
  standings(nowMs: number): readonly Standing<E>[] {
    const { members } = this.roster;
    const tiers = tiersOf(members, this.policy, nowMs);
    return members.map((member) => standingOf(member, tiers, this.policy, this.strategy, nowMs));
  }

  /** How calls to each endpoint ended since this was last asked, where some did; for health to hear of. */
  *tell(): Generator<EndpointCounts> {
    for (const member of this.roster.members) {
      const counts = member.tell();
      if (counts.ok + counts.failed > 0) yield { id: member.endpoint.id, ...counts };
    }
  }

  private chooseSticky(
    affinities: Affinities<Member<E>>,
    nowMs: number,
    key: string,
    except: readonly string[] | undefined,
  ): Member<E> | undefined {
    const bound = affinities.get(key);
    const holder = bound && this.roster.current(bound);
    const mayKeep = holder !== undefined && holder.mayKeep;
    if (mayKeep && !except?.includes(holder.endpoint.id)) return holder;
    const member = this.choose(nowMs, key, except);
    // A detour around its endpoint does not move the key.
    if (member && !mayKeep) affinities.set(key, member);
    return member;
  }

  private choose(
    nowMs: number,
    key: string | undefined,
    except: readonly string[] | undefined,
  ): Member<E> | undefined {
    const { arrangement } = this;
    if (arrangement === undefined) return undefined;
    const hash = key === undefined ? undefined : hashOf(key);
    const group = arrangement.only ?? arrangement.groupAt(this.markOf(hash));
    if (group === undefined) return undefined;
    if (except === undefined) return this.strategy.choose(group, nowMs, hash);
    const left = arrangement.groupWithout(group, except);
    const member = this.strategy.choose(left, nowMs, hash);
    // Or whoever comes after one that fails would get all that is tried again.
    if (left !== group) group.takeTurnFrom(left);
    return member;
  }

  /** A key keeps to its tier as long as the loads of the tiers stay. */
  private markOf(hash: number | undefined): number {
    return hash === undefined ? this.chance() : fractionOf(mix(hash ^ TIER_SALT));
  }

  private isOutdated(): boolean {
    return this.outliers !== undefined && this.outliers.changes !== this.ejectionsSeen;
  }

  private arrange(nowMs: number): void {
    const { outliers, roster } = this;
    if (outliers && nowMs >= outliers.dueMs(nowMs)) outliers.sweep(nowMs);
    this.arrangement = new Arrangement(roster.members, this.policy, nowMs, this.arrangement);
    this.dueMs = Math.min(outliers?.dueMs(nowMs) ?? Infinity, this.arrangement.dueMs);
    this.ejectionsSeen = outliers?.changes ?? 0;
  }
}
