import { Endpoint } from '../endpoint';
import { Group, Seat } from '../group';
import { Member } from '../member';
import { Strategy } from './strategy';

/** What one more call would cost at a seat; the cheaper one of two gets it. */
export type Cost = (seat: Seat<Endpoint>, nowMs: number) => number;

/**
 * Draws two by weight and takes the cheaper one. Looking at two, not at all, keeps many callers who
 * know the same from running to the same place, and is as cheap for a thousand as for three.
 *
 * @see Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", IEEE TPDS 2001.
 */
export class TwoChoices implements Strategy {
  constructor(
    private readonly cost: Cost,
    private readonly chance: () => number,
  ) {}

  choose<E extends Endpoint>(group: Group<E>, nowMs: number): Member<E> {
    const size = group.seats.length;
    if (size === 1) return group.seat(0).member;
    const fraction = this.chance();
    const index = group.draw(fraction);
    const one = group.seat(index);
    // What is left of the number says as little of the first one as another number would.
    const rest = group.isEven ? fraction * size - index : this.chance();
    const other = group.seat(group.drawOther(index, rest));
    return this.cost(other, nowMs) < this.cost(one, nowMs) ? other.member : one.member;
  }
}
