import { Endpoint } from '../endpoint';
import { Group } from '../group';
import { Member } from '../member';
import { Strategy } from './strategy';

/**
 * Whoever will have the fewest calls under way for its weight once it has this one; among equals,
 * one after the other. Nobody is ever more than one call below its share of what is under way.
 *
 * @see D'Hondt's method of highest averages; nginx's `least_conn` compares the same quotients.
 */
export class LeastConnections implements Strategy {
  choose<E extends Endpoint>(group: Group<E>): Member<E> {
    const { seats, turn } = group;
    const size = seats.length;
    let index = turn;
    let least = Infinity;
    let chosen = turn;
    for (let looked = 0; looked < size; looked++) {
      const seat = group.seat(index);
      const load = (seat.member.underWay + 1) / seat.weight;
      if (load < least) {
        least = load;
        chosen = index;
      }
      index = index + 1 === size ? 0 : index + 1;
    }
    group.turn = chosen + 1 === size ? 0 : chosen + 1;
    return group.seat(chosen).member;
  }
}
