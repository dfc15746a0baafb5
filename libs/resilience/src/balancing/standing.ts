import { Endpoint } from './endpoint';
import { EjectionCause, Member } from './member';
import { BalancerPolicy } from './policy';
import { Strategy } from './strategies/strategy';
import { Tier, isLocalTo, rampOf } from './tiers';

/** Why an endpoint gets no new call, or fewer or more than its weight says. */
export type StandingReason =
  | { readonly reason: 'unhealthy' }
  | { readonly reason: 'draining' }
  | { readonly reason: 'ejected'; readonly cause: EjectionCause; readonly untilMs: number }
  /** Tiers before its own can take all the calls. */
  | { readonly reason: 'not-needed'; readonly priority: number; readonly isLocal: boolean }
  /** Its tier gets this share of the calls. */
  | { readonly reason: 'shares-with-other-tiers'; readonly load: number }
  | { readonly reason: 'slow-start'; readonly weightShare: number }
  /** It has as many calls under way as `hashBound` lets it have. */
  | { readonly reason: 'full'; readonly underWay: number }
  /** So few are eligible that it is used all the same. */
  | { readonly reason: 'panic' };

/** How an endpoint stands with this caller at one moment. */
export interface Standing<E extends Endpoint> {
  readonly endpoint: E;
  /** Whether a new call can go there. */
  readonly isOffered: boolean;
  /** Empty: nothing speaks against it; who gets the next call is the strategy's choice. */
  readonly reasons: readonly StandingReason[];
  readonly underWay: number;
  /** 0: unknown. */
  readonly latencyMs: number;
  readonly successShare: number;
}

export function standingOf<E extends Endpoint>(
  member: Member<E>,
  tiers: readonly Tier<E>[],
  policy: BalancerPolicy,
  strategy: Strategy,
  nowMs: number,
): Standing<E> {
  const { endpoint, underWay } = member;
  const isLocal = isLocalTo(policy.zone, endpoint);
  const tier = tiers.find((one) => one.priority === endpoint.priority && one.isLocal === isLocal);
  const seat = tier?.group?.seats.find((one) => one.member === member);
  const isFull = Boolean(seat && tier?.group && strategy.isFull?.(tier.group, seat));
  const isOffered = seat !== undefined && tier !== undefined && tier.load > 0 && !isFull;
  const reasons: StandingReason[] = ownReasons(member, nowMs);
  if (seat && tier) {
    if (tier.isPanicking) reasons.push({ reason: 'panic' });
    if (tier.load === 0) reasons.push({ reason: 'not-needed', priority: tier.priority, isLocal });
    else if (tier.load < 1) reasons.push({ reason: 'shares-with-other-tiers', load: tier.load });
    const weightShare = rampOf(member, policy, nowMs);
    if (weightShare < 1 && !tier.isPanicking) reasons.push({ reason: 'slow-start', weightShare });
    if (isFull) reasons.push({ reason: 'full', underWay });
  }
  const latencyMs = member.latency.at(nowMs);
  return {
    endpoint,
    isOffered,
    reasons,
    underWay,
    latencyMs,
    successShare: member.success.at(nowMs),
  };
}

function ownReasons(member: Member<Endpoint>, nowMs: number): StandingReason[] {
  const reasons: StandingReason[] = [];
  if (!member.endpoint.isHealthy) reasons.push({ reason: 'unhealthy' });
  if (member.endpoint.isDraining) reasons.push({ reason: 'draining' });
  const { ejectionCause: cause, ejectedUntilMs: untilMs } = member;
  if (cause && member.isEjected(nowMs)) reasons.push({ reason: 'ejected', cause, untilMs });
  return reasons;
}
