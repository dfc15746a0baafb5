import { Endpoint, checkEndpoints } from './endpoint';
import { Member } from './member';

/** The endpoints of the newest snapshot with what is known of them, in the snapshot's order. */
export class Roster<E extends Endpoint> {
  members: readonly Member<E>[] = [];
  private endpoints: readonly E[] = [];
  private readonly byId = new Map<string, Member<E>>();

  constructor(private readonly decayMs: number) {}

  /**
   * @returns Whether anything can have changed.
   * @throws {RangeError} As `checkEndpoints`; the snapshot before stays.
   */
  list(endpoints: readonly E[], nowMs: number): boolean {
    if (endpoints === this.endpoints) return false;
    checkEndpoints(endpoints);
    const sinceMs = this.endpoints.length === 0 ? -Infinity : nowMs;
    this.endpoints = endpoints;
    for (const member of this.members) member.isListed = false;
    this.members = endpoints.map((endpoint) => this.memberFor(endpoint, sinceMs, nowMs));
    for (const [id, member] of this.byId) if (!member.isListed) this.byId.delete(id);
    return true;
  }

  /** What stands for the same id now, if it is still or again listed. */
  current(member: Member<E>): Member<E> | undefined {
    return member.isListed ? member : this.byId.get(member.endpoint.id);
  }

  private memberFor(endpoint: E, sinceMs: number, nowMs: number): Member<E> {
    const known = this.byId.get(endpoint.id);
    const member = known ?? new Member(endpoint, sinceMs, this.decayMs);
    if (known) known.relist(endpoint, nowMs);
    else this.byId.set(endpoint.id, member);
    member.isListed = true;
    return member;
  }
}
