const SLOTS = 512;

/** What waits in a wheel; it is its own place in the list, so that nothing is made for it. */
export abstract class WheelEntry {
  next: WheelEntry | undefined;
  previous: WheelEntry | undefined;
  /** Undefined: it does not wait. */
  dueTick: number | undefined;

  abstract expire(): void;
}

class Slot extends WheelEntry {
  expire(): void {
    throw new TypeError('the head of a list does not wait');
  }
}

/**
 * Time-outs of any number of calls on one clock: adding and removing one costs the same whatever their
 * number. None is ever early; each is late by at most one tick, and by how late {@link advance} is called.
 *
 * @see Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", SOSP 1987, scheme 6.
 */
export class TimerWheel {
  private readonly slots: readonly Slot[] = Array.from({ length: SLOTS }, () => new Slot());
  private count = 0;
  private tick = 0;

  constructor(readonly tickMs: number) {}

  get size(): number {
    return this.count;
  }

  add(entry: WheelEntry, dueMs: number, nowMs: number): void {
    if (this.count === 0) this.tick = Math.floor(nowMs / this.tickMs);
    const dueTick = Math.max(this.tick + 1, Math.ceil(dueMs / this.tickMs));
    const head = this.slotOf(dueTick);
    entry.dueTick = dueTick;
    entry.previous = head;
    entry.next = head.next;
    if (head.next) head.next.previous = entry;
    head.next = entry;
    this.count++;
  }

  /** Nothing happens when it does not wait any more. */
  remove(entry: WheelEntry): void {
    if (entry.dueTick === undefined) return;
    entry.dueTick = undefined;
    if (entry.previous) entry.previous.next = entry.next;
    if (entry.next) entry.next.previous = entry.previous;
    entry.next = entry.previous = undefined;
    this.count--;
  }

  /** Lets all expire whose time has come. One that breaks holds up none of the others. */
  advance(nowMs: number): void {
    const now = Math.floor(nowMs / this.tickMs);
    // After one turn every slot was seen, however long nobody looked.
    const last = Math.min(now, this.tick + SLOTS);
    const due: WheelEntry[] = [];
    for (let tick = this.tick + 1; tick <= last; tick++)
      for (let one = this.slotOf(tick).next; one; one = one.next)
        if (one.dueTick !== undefined && one.dueTick <= now) due.push(one);
    this.tick = Math.max(this.tick, now);
    let broken: { readonly fault: unknown } | undefined;
    for (const entry of due) {
      // One that expired may have removed another.
      if (entry.dueTick === undefined) continue;
      this.remove(entry);
      try {
        entry.expire();
      } catch (fault) {
        broken ??= { fault };
      }
    }
    if (broken) throw broken.fault;
  }

  private slotOf(tick: number): Slot {
    const slot = this.slots[tick % SLOTS];
    if (!slot) throw new RangeError(`there is no slot for tick ${tick}: the time is not a number`);
    return slot;
  }
}
