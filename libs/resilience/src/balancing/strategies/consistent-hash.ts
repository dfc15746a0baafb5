import { Endpoint } from '../endpoint';
import { Group, Seat } from '../group';
import { fractionOf, mix } from '../hash';
import { Member } from '../member';
import { Strategy } from './strategy';

/**
 * A key goes to the same endpoint as long as that is there and has room. Every pair of key and
 * endpoint has a score and the best score wins, so a key moves only when its endpoint leaves or is
 * full, or a newcomer beats it: no more than the newcomer's share. An endpoint has room while, with
 * this call, it stays within ceil(bound × its share of the calls under way); calls cannot be moved,
 * so the bound holds at the moment a call is placed.
 *
 * Rendezvous rather than a ring or Maglev's table: a service has few instances, so looking at all
 * of them costs less than a table to rebuild at every change; weights are met exactly, not by counts
 * of virtual nodes; and what finds its endpoint full spreads over all others, where on a ring it
 * falls on the next one, and with that one on the next.
 *
 * Weights count as declared: ramping up would move keys at every step.
 *
 * @see Thaler and Ravishankar, "Using Name-Based Mappings to Increase Hit Rates", IEEE/ACM ToN 1998.
 * @see Weights by logarithm: Schindelhauer and Schomaker, "Weighted Distributed Hash Tables", 2005.
 * @see Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads", 2016; cascades
 *      on a ring: Chen et al., "Revisiting Consistent Hashing with Bounded Loads", AAAI 2021.
 */
export class ConsistentHash implements Strategy {
  /** @param bound Above 1; Infinity: no bound. */
  constructor(
    private readonly bound: number,
    private readonly chance: () => number,
  ) {}

  choose<E extends Endpoint>(group: Group<E>, _nowMs: number, keyHash?: number): Member<E> {
    const hash = keyHash ?? Math.floor(this.chance() * 0x1_0000_0000);
    const first = best(group, hash, Infinity);
    if (first === undefined) return group.seat(0).member;
    if (this.bound === Infinity) return first.member;
    const perWeight = this.perWeight(group);
    if (hasRoom(first, perWeight)) return first.member;
    return (best(group, hash, perWeight) ?? first).member;
  }

  isFull<E extends Endpoint>(group: Group<E>, seat: Seat<E>): boolean {
    return !hasRoom(seat, this.perWeight(group));
  }

  /** How many calls one more may make under way, for each unit of weight. */
  private perWeight(group: Group<Endpoint>): number {
    let underWay = 1;
    for (const seat of group.seats) underWay += seat.member.underWay;
    return (this.bound * underWay) / group.declared;
  }
}

function hasRoom(seat: Seat<Endpoint>, perWeight: number): boolean {
  return seat.member.underWay + 1 <= Math.ceil(perWeight * seat.declared);
}

function best<E extends Endpoint>(
  group: Group<E>,
  hash: number,
  perWeight: number,
): Seat<E> | undefined {
  let chosen: Seat<E> | undefined;
  let most = -Infinity;
  for (const seat of group.seats) {
    if (!hasRoom(seat, perWeight)) continue;
    const pair = mix(hash ^ seat.member.hash);
    // Without weights the logarithm does not change who is first.
    const score = group.isAlike ? pair : Math.log(fractionOf(pair)) / seat.declared;
    if (score > most || (score === most && isBefore(seat, chosen))) {
      most = score;
      chosen = seat;
    }
  }
  return chosen;
}

/** Two callers must agree even where scores are equal and their lists differ in order. */
function isBefore(seat: Seat<Endpoint>, other: Seat<Endpoint> | undefined): boolean {
  return other === undefined || seat.member.endpoint.id < other.member.endpoint.id;
}
