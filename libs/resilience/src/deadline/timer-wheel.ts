const SLOTS = 512;

/** So many that were added lately lie unsorted: most calls are over before anybody would have to look. */
const RECENT_MAX = 64;

/** What waits in a wheel; it is its own place in the list, so that nothing is made for it. */
export abstract class WheelEntry {
  next: WheelEntry | undefined;
  /** Itself: it lies among those added lately, perhaps without waiting any more. */
  previous: WheelEntry | undefined;
  /** Undefined: it does not wait. */
  wakesAtMs: number | undefined;

  abstract expire(): void;
}

class Slot extends WheelEntry {
  expire(): void {
    throw new TypeError('the head of a list does not wait');
  }
}

/**
 * Time-outs of any number of calls on one clock: adding and removing one costs the same whatever their
 * number. None is ever early; each is late by at most one tick, and by how late {@link advance} is called. What
 * was added lately is sorted into its slots only when there is a heap of it, or somebody advances: what is
 * removed before costs next to nothing.
 *
 * @see Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", SOSP 1987, scheme 6.
 */
export class TimerWheel {
  private readonly slots: readonly Slot[] = Array.from({ length: SLOTS }, () => new Slot());
  private recent: WheelEntry | undefined;
  private recents = 0;
  private count = 0;
  private tick = 0;

  constructor(readonly tickMs: number) {}

  get size(): number {
    return this.count;
  }

  /** @throws {RangeError} The time is no moment; found when it is sorted in, it would be at the cost of others. */
  add(entry: WheelEntry, dueMs: number): void {
    if (!Number.isFinite(dueMs)) throw new RangeError(`nothing is due at ${dueMs}`);
    entry.wakesAtMs = dueMs;
    this.count++;
    if (entry.previous === entry) return;
    entry.previous = entry;
    entry.next = this.recent;
    this.recent = entry;
    if (++this.recents >= RECENT_MAX) this.sortIn();
  }

  /** Nothing happens when it does not wait any more. */
  remove(entry: WheelEntry): void {
    if (entry.wakesAtMs === undefined) return;
    entry.wakesAtMs = undefined;
    this.count--;
    if (this.recent === entry) {
      this.recent = entry.next;
      this.recents--;
      entry.next = entry.previous = undefined;
      return;
    }
    // Among those added lately it is left where it lies.
    if (entry.previous === entry) return;
    if (entry.previous) entry.previous.next = entry.next;
    if (entry.next) entry.next.previous = entry.previous;
    entry.next = entry.previous = undefined;
  }

  /** Lets all expire whose time has come. One that breaks holds up none of the others. */
  advance(nowMs: number): void {
    this.sortIn();
    const now = Math.floor(nowMs / this.tickMs);
    const dueMs = now * this.tickMs;
    // After one turn every slot was seen, however long nobody looked.
    const last = Math.min(now, this.tick + SLOTS);
    const due: WheelEntry[] = [];
    for (let tick = this.tick + 1; tick <= last; tick++)
      for (let one = this.slotOf(tick).next; one; one = one.next)
        if (one.wakesAtMs !== undefined && one.wakesAtMs <= dueMs) due.push(one);
    this.tick = Math.max(this.tick, now);
    let broken: { readonly fault: unknown } | undefined;
    for (const entry of due) {
      // One that expired may have removed another.
      if (entry.wakesAtMs === undefined) continue;
      this.remove(entry);
      try {
        entry.expire();
      } catch (fault) {
        broken ??= { fault };
      }
    }
    if (broken) throw broken.fault;
  }

  /** Those added lately that still wait come to their slots. */
  private sortIn(): void {
    let one = this.recent;
    this.recent = undefined;
    this.recents = 0;
    while (one) {
      const { next, wakesAtMs } = one;
      one.next = one.previous = undefined;
      if (wakesAtMs !== undefined) this.place(one, wakesAtMs);
      one = next;
    }
  }

  private place(entry: WheelEntry, dueMs: number): void {
    const head = this.slotOf(Math.max(this.tick + 1, Math.ceil(dueMs / this.tickMs)));
    entry.previous = head;
    entry.next = head.next;
    if (head.next) head.next.previous = entry;
    head.next = entry;
  }

  private slotOf(tick: number): Slot {
    const slot = this.slots[tick % SLOTS];
    if (!slot) throw new RangeError(`there is no slot for tick ${tick}: the time is not a number`);
    return slot;
  }
}
