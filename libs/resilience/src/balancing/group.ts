import { Endpoint } from './endpoint';
import { Member } from './member';

/** A member, and how much of its weight it may have: from above 0 to 1, less than 1 as it starts. */
export interface Ramped<E extends Endpoint> {
  readonly member: Member<E>;
  readonly ramp: number;
}

/** A member's place in a group. */
export interface Seat<E extends Endpoint> extends Ramped<E> {
  /** The weight as declared. */
  readonly declared: number;
  /** `declared * ramp`. */
  readonly weight: number;
  /** The weights up to and with this seat. */
  readonly upTo: number;
  /** Its weight's part of the group's; all add up to 1. */
  readonly share: number;
  /** The same if all had declared the same weight. */
  readonly evenShare: number;
}

/** Those one of whom gets the call: what a strategy chooses from. Never empty. */
export class Group<E extends Endpoint> {
  readonly seats: readonly Seat<E>[];
  readonly weight: number;
  readonly declared: number;
  /** Whether all weights are equal. */
  readonly isEven: boolean;
  /** Whether all declared weights are equal. */
  readonly isAlike: boolean;
  /** Whether some have ramped up further than others. */
  readonly isRamping: boolean;
  /** The seat whose turn is next. */
  turn = 0;

  constructor(members: readonly Ramped<E>[]) {
    const ramps = members.reduce((sum, { ramp }) => sum + ramp, 0);
    this.weight = members.reduce((sum, { member, ramp }) => sum + member.endpoint.weight * ramp, 0);
    this.declared = members.reduce((sum, { member }) => sum + member.endpoint.weight, 0);
    let upTo = 0;
    this.seats = members.map(({ member, ramp }) => {
      const declared = member.endpoint.weight;
      const weight = declared * ramp;
      upTo += weight;
      const shares = { share: weight / this.weight, evenShare: ramp / ramps };
      return { member, ramp, declared, weight, upTo, ...shares };
    });
    const [first] = this.seats;
    this.isEven = this.seats.every(({ weight }) => weight === first?.weight);
    this.isAlike = this.seats.every(({ declared }) => declared === first?.declared);
    this.isRamping = this.seats.some(({ ramp }) => ramp !== first?.ramp);
  }

  seat(index: number): Seat<E> {
    const seat = this.seats[index];
    if (seat === undefined) throw new RangeError(`no seat ${index} of ${this.seats.length}`);
    return seat;
  }

  /** The index of a seat, each as likely as its weight. @param fraction From 0, below 1. */
  draw(fraction: number): number {
    if (this.isEven) return (fraction * this.seats.length) | 0;
    return this.indexAt(fraction * this.weight);
  }

  /** As `draw`, but never `taken`; the group has at least two seats. */
  drawOther(taken: number, fraction: number): number {
    if (!this.isEven) return this.drawOtherByWeight(taken, fraction);
    const index = (fraction * (this.seats.length - 1)) | 0;
    // One more from `taken` on, without a branch: nobody could foretell it.
    return index + ((taken - 1 - index) >>> 31);
  }

  private drawOtherByWeight(taken: number, fraction: number): number {
    const { upTo, weight } = this.seat(taken);
    const mark = fraction * (this.weight - weight);
    const index = this.indexAt(mark < upTo - weight ? mark : mark + weight);
    if (index !== taken) return index;
    // Rounding put the mark on the edge of the seat that is taken.
    return taken === 0 ? 1 : taken - 1;
  }

  private indexAt(mark: number): number {
    let low = 0;
    let high = this.seats.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (mark < this.seat(middle).upTo) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Goes on with the turn where the tier's earlier group was; credit is the members' own. */
  goOnFrom(earlier: Group<E>): void {
    this.turn = turnAfter(
      earlier,
      this.seats.map((seat) => seat.member),
    );
  }

  /** The turn is where a part of this group has it; nothing changes for another one. */
  takeTurnFrom(part: Group<E>): void {
    const { member } = part.seat(part.turn);
    const index = this.seats.findIndex((seat) => seat.member === member);
    if (index >= 0) this.turn = index;
  }

  /** @returns undefined if that would leave nobody. */
  without(ids: readonly string[]): Group<E> | undefined {
    const left = this.seats.filter((seat) => !ids.includes(seat.member.endpoint.id));
    if (left.length === 0) return undefined;
    const group = new Group(left);
    group.goOnFrom(this);
    return group;
  }
}

/** Whose turn it was, or whose it would have been next. */
function turnAfter<E extends Endpoint>(
  { seats, turn }: Group<E>,
  members: readonly Member<E>[],
): number {
  for (const { member } of [...seats.slice(turn), ...seats.slice(0, turn)]) {
    const index = members.indexOf(member);
    if (index >= 0) return index;
  }
  return 0;
}
