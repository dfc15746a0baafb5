import { Endpoint } from '../endpoint';
import { Group, Seat } from '../group';
import { Member } from '../member';
import { smoothTurn } from './smooth-turn';
import { Strategy } from './strategy';

const evenShareOf = (seat: Seat<Endpoint>): number => seat.evenShare;
const shareOf = (seat: Seat<Endpoint>): number => seat.share;

/** One after the other, whatever their weights; one that starts slowly is passed over at first. */
export class RoundRobin implements Strategy {
  choose<E extends Endpoint>(group: Group<E>): Member<E> {
    if (group.isRamping) return smoothTurn(group, evenShareOf);
    const { turn } = group;
    group.turn = turn + 1 === group.seats.length ? 0 : turn + 1;
    return group.seat(turn).member;
  }
}

/** One after the other, the heavier ones more often. */
export class WeightedRoundRobin implements Strategy {
  choose<E extends Endpoint>(group: Group<E>): Member<E> {
    return smoothTurn(group, shareOf);
  }
}
