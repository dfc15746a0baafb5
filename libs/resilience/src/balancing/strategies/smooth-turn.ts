import { Endpoint } from '../endpoint';
import { Group, Seat } from '../group';
import { Member } from '../member';

/**
 * Gives everybody its weight in credit and the turn to whoever has most, for the whole round's
 * weight. Nobody is ever a full turn ahead of its share, and the turns of a heavy one are spread
 * out. Linear in the size of the group.
 *
 * @see Smooth weighted round robin, as in nginx (`ngx_http_upstream_get_peer`).
 */
export function smoothTurn<E extends Endpoint>(
  group: Group<E>,
  weightOf: (seat: Seat<E>) => number,
): Member<E> {
  let total = 0;
  let chosen = group.seat(0).member;
  let most = -Infinity;
  for (const seat of group.seats) {
    const weight = weightOf(seat);
    const credit = seat.member.credit + weight;
    seat.member.credit = credit;
    total += weight;
    if (credit > most) {
      most = credit;
      chosen = seat.member;
    }
  }
  chosen.credit -= total;
  return chosen;
}
