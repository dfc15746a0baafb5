import type { Arrival } from './arrival';
import { placeOf } from './arrival';

/** Deliveries that nobody here has ended, from which on a message may be what ends the process. */
const SUSPECT_FROM = 3;
/** Of each topic: twice what its five consumers have given out at once, a thousand each, so that nobody's storm makes another's forgotten. */
const GIVEN_BACK_MAX = 10_000;
/** Their order matters, so the first one waits for the others that came with it. */
const GATHER_MS = 100;
/** What kills the process as it starts, time after time, does so in the beginning of its life. */
const FIRST_MS = 60_000;
/** Later, one that has not killed it by then hangs, and would hold up the other topics for nothing. */
const HEAD_START_MS = 2_000;

/**
 * Messages that came again and again without an end: one of them may kill the process each time, and
 * those beside it came again for nothing but that. In the first minute of the process one of all topics is handled
 * at a time, in turn from the oldest and from the newest on: the innocent ones on either side of the killer are done
 * after two lives of the process, long before they have been delivered too often themselves. After that it is one
 * of each topic, and each begins two seconds before one of another topic may.
 */
export class Suspects {
  private readonly bornAt = performance.now();
  private readonly all: Arrival[] = [];
  /** Those that have waited longest for their turn first. */
  private readonly topics = new Map<string, () => void>();
  /** By topic, how often this process gave a message back itself: that was no end of the process. */
  private readonly givenBack = new Map<string, Map<string, number>>();
  /** When the one of each topic began. */
  private readonly underWay = new Map<string, number>();
  private gathering: NodeJS.Timeout | undefined;
  private held: NodeJS.Timeout | undefined;

  /** @param onTurn It may be the turn of one of this topic: {@link next} gives it out, now or when it has a place. */
  join(topic: string, onTurn: () => void): void {
    this.topics.set(topic, onTurn);
  }

  suspects(arrival: Arrival): boolean {
    const known = this.givenBack.get(arrival.topic)?.get(placeOf(arrival)) ?? 0;
    return arrival.deliveries - known >= SUSPECT_FROM;
  }

  gaveBack(arrival: Arrival): void {
    const place = placeOf(arrival);
    const known = this.givenBack.get(arrival.topic) ?? new Map<string, number>();
    this.givenBack.set(arrival.topic, known);
    const before = known.get(place) ?? 0;
    known.delete(place);
    known.set(place, before + 1);
    if (known.size <= GIVEN_BACK_MAX) return;
    for (const oldest of known.keys()) return void known.delete(oldest);
  }

  add(arrival: Arrival): void {
    this.all.push(arrival);
    if (this.gathering) return;
    if (this.underWay.size > 0 || this.all.length > 1) return this.tellWhoseTurn();
    this.gathering = setTimeout(() => {
      this.gathering = undefined;
      this.tellWhoseTurn();
    }, GATHER_MS);
  }

  /** Takes out whose turn it is, if that is of the topic and it may begin; say when it is {@link done}. */
  next(topic: string): Arrival | undefined {
    if (this.gathering || this.underWay.has(topic)) return undefined;
    if (this.underWay.size > 0 && this.aloneMs() > 0) return undefined;
    const next = this.isFirst() ? whoseTurn(this.all) : whoseTurn(this.of(topic));
    if (next?.topic !== topic) return undefined;
    this.all.splice(this.all.indexOf(next), 1);
    this.underWay.set(topic, performance.now());
    this.goBehind(topic);
    return next;
  }

  done(topic: string): void {
    this.underWay.delete(topic);
    this.tellWhoseTurn();
  }

  /** Takes out all of a topic. */
  clear(topic: string): readonly Arrival[] {
    const own = this.of(topic);
    const others = this.all.filter((arrival) => arrival.topic !== topic);
    this.all.splice(0, this.all.length, ...others);
    if (others.length > 0) return own;
    clearTimeout(this.gathering);
    clearTimeout(this.held);
    this.gathering = undefined;
    return own;
  }

  private tellWhoseTurn(): void {
    clearTimeout(this.held);
    const waiting = new Set(this.all.map(({ topic }) => topic));
    for (const [topic, onTurn] of [...this.topics]) if (waiting.has(topic)) onTurn();
    const ms = this.aloneMs();
    if (this.all.length > 0 && ms > 0) this.held = setTimeout(() => this.tellWhoseTurn(), ms);
  }

  /** How long the topics still hold up each other. */
  private aloneMs(): number {
    const untilLast = Math.max(...this.underWay.values()) + HEAD_START_MS;
    return Math.max(this.bornAt + FIRST_MS, untilLast) - performance.now();
  }

  private isFirst(): boolean {
    return performance.now() < this.bornAt + FIRST_MS;
  }

  private of(topic: string): readonly Arrival[] {
    return this.all.filter((arrival) => arrival.topic === topic);
  }

  private goBehind(topic: string): void {
    const onTurn = this.topics.get(topic);
    this.topics.delete(topic);
    if (onTurn) this.topics.set(topic, onTurn);
  }
}

/** They are of one stream, whatever their topic, so their places can be compared. */
function whoseTurn(all: readonly Arrival[]): Arrival | undefined {
  const [first] = all;
  if (!first) return undefined;
  let [oldest, newest, lives] = [first, first, 0];
  for (const one of all) {
    if (one.sequence < oldest.sequence) oldest = one;
    if (one.sequence > newest.sequence) newest = one;
    lives = Math.max(lives, one.deliveries);
  }
  // The killer is among those that came most often: its count tells the lives of the process apart.
  return lives % 2 === 0 ? oldest : newest;
}
