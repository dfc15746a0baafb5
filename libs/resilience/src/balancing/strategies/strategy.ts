import { Endpoint } from '../endpoint';
import { Group, Seat } from '../group';
import { Member } from '../member';

/** Who of a group gets a call. Keeps no reference to groups or members: what it remembers is theirs. */
export interface Strategy {
  /**
   * @param keyHash Of the key the call was made with, if it had one.
   * @returns A member of the group; the caller counts the call.
   */
  choose<E extends Endpoint>(
    group: Group<E>,
    nowMs: number,
    keyHash: number | undefined,
  ): Member<E>;

  /** Whether the seat has as many calls as it may have, for strategies that set a bound. */
  isFull?<E extends Endpoint>(group: Group<E>, seat: Seat<E>): boolean;
}
