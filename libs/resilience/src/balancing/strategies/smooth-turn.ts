import { Endpoint } from '../endpoint';
import { Group, Seat } from '../group';
import { Member } from '../member';

/**
 * Gives everybody its share of a turn in credit, and the turn to whoever has most. Nobody is ever a
 * full turn ahead of its share, and the turns of a heavy one are spread out. Linear in the size of
 * the group.
 *
 * @param shareOf Adds up to 1. Credit in turns rather than in weights stays true when weights change.
 * @see Smooth weighted round robin, as in nginx (`ngx_http_upstream_get_peer`).
 */
export function smoothTurn<E extends Endpoint>(
  group: Group<E>,
  shareOf: (seat: Seat<E>) => number,
): Member<E> {
  let chosen = group.seat(0).member;
  let most = -Infinity;
  for (const seat of group.seats) {
    const credit = seat.member.credit + shareOf(seat);
    seat.member.credit = credit;
    if (credit > most) {
      most = credit;
      chosen = seat.member;
    }
  }
  chosen.credit -= 1;
  return chosen;
}
