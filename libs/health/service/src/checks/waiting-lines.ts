/** `urgent`: what somebody waits for; `slow`: what will hold its place for long; `routine`: the others. */
export type Line = 'urgent' | 'routine' | 'slow';

export interface Waiting {
  readonly host: string;
  line: Line;
}

/** Each line comes first now and then, and so none of them starves. */
const TURNS: readonly (readonly Line[])[] = [
  ['urgent', 'routine', 'slow'],
  ['urgent', 'routine', 'slow'],
  ['routine', 'urgent', 'slow'],
  ['slow', 'urgent', 'routine'],
];

/**
 * Who waits for a place: a line each for what is urgent, routine and slow, and in each line one of
 * every host in turn, those of one host in the order they came. Finding the next costs as much as
 * there are hosts before it that have no room.
 *
 * @see Nagle, "On Packet Switches with Infinite Storage" (RFC 970): fair queueing.
 */
export class WaitingLines<One extends Waiting> {
  private readonly lines: Readonly<Record<Line, Map<string, Set<One>>>> = {
    urgent: new Map(),
    routine: new Map(),
    slow: new Map(),
  };
  private turns = 0;

  add(one: One): void {
    const line = this.lines[one.line];
    const ofHost = line.get(one.host);
    if (ofHost) ofHost.add(one);
    else line.set(one.host, new Set([one]));
  }

  /** @returns Whether it was there. */
  remove(one: One): boolean {
    const line = this.lines[one.line];
    const ofHost = line.get(one.host);
    if (!ofHost?.delete(one)) return false;
    if (ofHost.size === 0) line.delete(one.host);
    return true;
  }

  /** To the end of the urgent line, if it waits. */
  hurry(one: One): void {
    if (one.line === 'urgent' || !this.remove(one)) return;
    one.line = 'urgent';
    this.add(one);
  }

  /** Takes out whose turn it is, of the lines and the hosts that have room. */
  next(hasRoom: (line: Line) => boolean, isFree: (host: string) => boolean): One | undefined {
    for (const line of TURNS[this.turns % TURNS.length] ?? []) {
      const one = hasRoom(line) ? this.takeFrom(this.lines[line], isFree) : undefined;
      if (!one) continue;
      this.turns++;
      return one;
    }
    return undefined;
  }

  private takeFrom(
    line: Map<string, Set<One>>,
    isFree: (host: string) => boolean,
  ): One | undefined {
    for (const [host, ofHost] of line) {
      if (!isFree(host)) continue;
      const [one] = ofHost;
      if (one) ofHost.delete(one);
      line.delete(host);
      if (ofHost.size > 0) line.set(host, ofHost);
      return one;
    }
    return undefined;
  }
}
