import type { AgainBytes } from './again-bytes';
import { placeOf, type Arrival } from './arrival';
import { Lanes } from './lanes';
import type { Settler } from './settler';
import type { Suspects } from './suspects';
import type { MessagePriority } from './topic';

/**
 * Of each priority so much waits here as is handled in this time: less, and a lane would be empty while
 * its next messages are on their way, and its turn go to another; more would be kept from other instances.
 */
const AT_HAND_MS = 100;
const AT_HAND_MAX = 64;
const AT_HAND_MIN = 2;
/**
 * Of each priority so many that came again are held before no more is asked for: a quarter of the thousand that the
 * server gives out, so that the quickest instance leaves some to others, and takes no more along when it dies.
 * They are not given back for that, since each time counts as a delivery.
 */
const AGAIN_MAX = 256;
/** How much the last handling counts in the mean of all. */
const NEWEST = 0.1;

export interface TopicDeskPorts {
  readonly topic: string;
  readonly inFlightMax: number;
  /** Says whether the message comes again. */
  readonly settler: Pick<Settler, 'settle'>;
  /** Of all topics of the process, as is the next. */
  readonly suspects: Suspects;
  readonly againBytes: AgainBytes;
  /** There is room for more messages. */
  readonly onRoom: () => void;
  readonly onDefect: (topic: string, defect: unknown) => void;
}

const comesAgain = ({ deliveries }: Arrival): boolean => deliveries > 1;

/** The messages of one topic that this instance holds: those being handled, and those that wait for it. */
export class TopicDesk {
  private readonly lanes: Lanes<Arrival>;
  private readonly held = new Map<string, Arrival>();
  private readonly waiting = new Set<() => void>();
  private handlingMs = AT_HAND_MS;
  private readonly again = new Map<MessagePriority, number>();

  constructor(private readonly ports: TopicDeskPorts) {
    this.lanes = new Lanes(ports.inFlightMax, () => this.waitingMax(), comesAgain);
    ports.suspects.join(ports.topic, () => this.handle());
    ports.againBytes.join(ports.topic);
  }

  /** What came again takes no room of what comes for the first time, unless it is very much. */
  room(priority: MessagePriority): number {
    const { againBytes, topic } = this.ports;
    const isVeryMuch = this.againOf(priority) >= AGAIN_MAX || !againBytes.mayGrow(topic);
    return isVeryMuch ? 0 : this.lanes.room(priority);
  }

  /** One that is here already was given out again although it is worked on. */
  add(arrival: Arrival): void {
    const place = placeOf(arrival);
    if (this.held.has(place)) return;
    this.hold(place, arrival);
    const { suspects } = this.ports;
    if (suspects.suspects(arrival)) return suspects.add(arrival);
    this.lanes.add(arrival, arrival.priority);
    this.handle();
  }

  /** All that no other instance should get. */
  all(): Iterable<Arrival> {
    return this.held.values();
  }

  /** Takes out what has not been begun. */
  clear(): readonly Arrival[] {
    const { suspects, topic } = this.ports;
    const waiting = [...this.lanes.clear(), ...suspects.clear(topic)];
    for (const arrival of waiting) this.letGo(arrival);
    return waiting;
  }

  /** Settles when nothing is being handled, and after `ms` at the latest. */
  async idle(ms: number): Promise<void> {
    if (this.lanes.running === 0) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.waiting.add(wake);
    });
  }

  private hold(place: string, arrival: Arrival): void {
    this.held.set(place, arrival);
    this.countAgain(arrival, 1);
  }

  private letGo(arrival: Arrival): void {
    if (this.held.delete(placeOf(arrival))) this.countAgain(arrival, -1);
  }

  private countAgain(arrival: Arrival, by: 1 | -1): void {
    if (!comesAgain(arrival)) return;
    const { againBytes, topic } = this.ports;
    againBytes.add(topic, by * arrival.data.length);
    this.again.set(arrival.priority, this.againOf(arrival.priority) + by);
  }

  private againOf(priority: MessagePriority): number {
    return this.again.get(priority) ?? 0;
  }

  private waitingMax(): number {
    const atHand = Math.ceil((this.ports.inFlightMax * AT_HAND_MS) / Math.max(1, this.handlingMs));
    return Math.max(AT_HAND_MIN, Math.min(atHand, AT_HAND_MAX));
  }

  private handle(): void {
    const { suspects, topic } = this.ports;
    const suspect = this.lanes.hasPlaceForAgain ? suspects.next(topic) : undefined;
    if (suspect) {
      this.lanes.begin(suspect);
      void this.run(suspect, () => suspects.done(topic));
    }
    for (let next = this.lanes.next(); next; next = this.lanes.next())
      void this.run(next, () => undefined);
  }

  /** Never throws: nobody would hear it. */
  private async run(arrival: Arrival, ended: () => void): Promise<void> {
    try {
      await this.settle(arrival);
    } catch (defect) {
      // Nothing was said to the server, so the message comes again.
      this.ports.onDefect(arrival.topic, defect);
    }
    this.letGo(arrival);
    this.lanes.done(arrival);
    try {
      ended();
      this.handle();
      this.ports.onRoom();
    } catch (defect) {
      this.ports.onDefect(arrival.topic, defect);
    }
    if (this.lanes.running === 0) for (const wake of this.waiting) wake();
  }

  private async settle(arrival: Arrival): Promise<void> {
    const begun = performance.now();
    const end = await this.ports.settler.settle(arrival);
    if (end === 'comes-again') this.ports.suspects.gaveBack(arrival);
    // What fails again and again, and slowly, says nothing of the others.
    if (!comesAgain(arrival))
      this.handlingMs += NEWEST * (performance.now() - begun - this.handlingMs);
  }
}
