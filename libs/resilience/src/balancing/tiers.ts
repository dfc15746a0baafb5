import { Endpoint } from './endpoint';
import { Group } from './group';
import { Member } from './member';
import { BalancerPolicy } from './policy';
import { rampAt } from './slow-start';
import { tierLoads } from './tier-loads';

/** The endpoints of one priority in the caller's zone, or in all other zones. */
export interface Tier<E extends Endpoint> {
  readonly priority: number;
  readonly isLocal: boolean;
  readonly load: number;
  readonly isPanicking: boolean;
  /** Those who may get a new call; undefined: none. */
  readonly group: Group<E> | undefined;
}

interface Listed<E extends Endpoint> {
  readonly priority: number;
  readonly isLocal: boolean;
  readonly members: readonly Member<E>[];
}

/**
 * Who may get a new call at this moment, in the order of being asked: by priority, and within one
 * the local zone first. Draining endpoints are in none and count nowhere: that they leave is a plan,
 * not an illness. Changes nothing.
 */
export function tiersOf<E extends Endpoint>(
  members: readonly Member<E>[],
  policy: BalancerPolicy,
  nowMs: number,
): readonly Tier<E>[] {
  const listed = listedTiers(members, policy.zone);
  const healths = listed.map((tier) => ({
    listed: tier.members.length,
    eligible: tier.members.filter((member) => member.isWell(nowMs)).length,
  }));
  const loads = tierLoads(healths, policy.spillBelowShare, policy.panicBelowShare);
  return listed.map(({ priority, isLocal, members: all }, index) => {
    const { load, isPanicking } = loads[index] ?? { load: 0, isPanicking: false };
    const used = isPanicking ? all : all.filter((member) => member.isWell(nowMs));
    const ramped = used.map((member) => ({
      member,
      ramp: isPanicking ? 1 : rampOf(member, policy, nowMs),
    }));
    const group = ramped.length === 0 ? undefined : new Group(ramped);
    return { priority, isLocal, load, isPanicking, group };
  });
}

/** From above 0 to 1; 1 once it has its whole weight. */
export function rampOf(member: Member<Endpoint>, policy: BalancerPolicy, nowMs: number): number {
  return policy.slowStart === undefined ? 1 : rampAt(policy.slowStart, nowMs - member.readyMs());
}

/** The tier an endpoint belongs to. */
export function isLocalTo(zone: string | undefined, endpoint: Endpoint): boolean {
  return zone === undefined || endpoint.zone === zone;
}

function listedTiers<E extends Endpoint>(
  members: readonly Member<E>[],
  zone: string | undefined,
): readonly Listed<E>[] {
  const tiers = new Map<number, Listed<E> & { members: Member<E>[] }>();
  for (const member of members) {
    const { endpoint } = member;
    if (endpoint.isDraining) continue;
    const isLocal = isLocalTo(zone, endpoint);
    const order = endpoint.priority * 2 + (isLocal ? 0 : 1);
    const tier = tiers.get(order);
    if (tier) tier.members.push(member);
    else tiers.set(order, { priority: endpoint.priority, isLocal, members: [member] });
  }
  return [...tiers].sort(([one], [other]) => one - other).map(([, tier]) => tier);
}
