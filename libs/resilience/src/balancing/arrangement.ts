import { Endpoint } from './endpoint';
import { Group } from './group';
import { Member } from './member';
import { BalancerPolicy } from './policy';
import { Tier, tiersOf } from './tiers';

/** While an endpoint ramps up, its weight is set anew so often in the window. */
const RAMP_STEPS = 100;

/** Who may get calls from one moment to another. Worked out when something changes, not for each call. */
export class Arrangement<E extends Endpoint> {
  /** The group that gets all calls, if one does. */
  readonly only: Group<E> | undefined;
  /** Holds until then, unless somebody is put out or a snapshot comes. */
  readonly dueMs: number;
  private readonly tiers: readonly Tier<E>[];

  /** @param earlier Its groups' turns and credits are taken over. */
  constructor(
    members: readonly Member<E>[],
    policy: BalancerPolicy,
    nowMs: number,
    earlier: Arrangement<E> | undefined,
  ) {
    this.tiers = tiersOf(members, policy, nowMs);
    for (const { priority, isLocal, group } of this.tiers) {
      const isSame = (one: Tier<E>) => one.priority === priority && one.isLocal === isLocal;
      const before = earlier?.tiers.find(isSame)?.group;
      if (before) group?.goOnFrom(before);
    }
    const loaded = this.tiers.filter((tier) => tier.load > 0);
    this.only = loaded.length === 1 ? loaded[0]?.group : undefined;
    this.dueMs = nextChangeMs(members, policy, nowMs);
    this.markKeepers(members, nowMs);
  }

  /** @param mark From 0, below 1: each tier has as much of that as it has of the calls. */
  groupAt(mark: number): Group<E> | undefined {
    let left = mark;
    let last: Group<E> | undefined;
    for (const { load, group } of this.tiers) {
      if (load === 0) continue;
      if (left < load) return group;
      left -= load;
      last = group;
    }
    return last;
  }

  /** The group without these, or else another one, or else the group as it is. */
  groupWithout(group: Group<E>, ids: readonly string[]): Group<E> {
    const rest = group.without(ids);
    if (rest) return rest;
    for (const tier of this.tiers) {
      const other = tier.group?.without(ids);
      if (other) return other;
    }
    return group;
  }

  private markKeepers(members: readonly Member<E>[], nowMs: number): void {
    for (const member of members) member.mayKeep = member.isWell(nowMs);
    // In panic those who are not well keep theirs too.
    for (const { group } of this.tiers)
      for (const { member } of group?.seats ?? []) member.mayKeep = true;
  }
}

function nextChangeMs(
  members: readonly Member<Endpoint>[],
  { slowStart }: BalancerPolicy,
  nowMs: number,
): number {
  let nextMs = Infinity;
  for (const member of members) {
    if (member.isEjected(nowMs)) nextMs = Math.min(nextMs, member.ejectedUntilMs);
    else if (slowStart && nowMs - member.readyMs() < slowStart.windowMs)
      nextMs = Math.min(nextMs, nowMs + slowStart.windowMs / RAMP_STEPS);
  }
  return nextMs;
}
