/** Something that waits its turn: `sequence` is its place among all messages of its stream. */
export interface LaneItem {
  readonly sequence: number;
}

interface Lane<Item> {
  readonly key: string;
  running: Item | undefined;
  /** In the order of their sequences. */
  readonly waiting: Item[];
  /** Sequences that were given back to the server, and until when later ones wait for them. */
  readonly owed: Map<number, number>;
  movedAt: number;
}

export interface LanesOptions<Item> {
  /** Items running at once. */
  readonly runningMax: number;
  /** Items held back behind others of their key. */
  readonly blockedMax: number;
  /** Must not reject. Returns for how long later items of the key wait for this one to come again. */
  readonly run: (item: Item) => Promise<number | undefined>;
  /** Called when an item has ended and there may be room for more. */
  readonly onRoom?: () => void;
  readonly now: () => number;
}

/**
 * Runs items of one key one after another in the order of their sequences, and different keys beside
 * each other. An item that will come again holds back later ones of its key, and no others.
 */
export class Lanes<Item extends LaneItem> {
  private readonly lanes = new Map<string, Lane<Item>>();
  /** Lanes whose first item may run as soon as a place is free. */
  private readonly ready = new Set<Lane<Item>>();
  private running = 0;
  private onIdle: (() => void)[] = [];
  private waiting = 0;

  constructor(private readonly options: LanesOptions<Item>) {}

  get counts(): { readonly running: number; readonly waiting: number } {
    return { running: this.running, waiting: this.waiting };
  }

  /** How many more items may come in. */
  room(): number {
    const { runningMax, blockedMax } = this.options;
    const blocked = this.waiting - this.ready.size;
    return Math.max(0, Math.min(runningMax - this.running - this.ready.size, blockedMax - blocked));
  }

  /** True when items of standing keys fill the room that all keys share. */
  isClogged(): boolean {
    return this.waiting - this.ready.size >= this.options.blockedMax;
  }

  /** @returns False when this very item runs or waits already: it came twice. */
  add(key: string, item: Item): boolean {
    const lane = this.laneOf(key);
    lane.owed.delete(item.sequence);
    if (lane.running?.sequence === item.sequence) return false;
    const same = lane.waiting.findIndex(({ sequence }) => sequence === item.sequence);
    if (same >= 0) {
      lane.waiting[same] = item;
      return false;
    }
    const place = lane.waiting.findLastIndex(({ sequence }) => sequence < item.sequence) + 1;
    lane.waiting.splice(place, 0, item);
    this.waiting++;
    this.dispatch(lane);
    return true;
  }

  /** Lets lanes go on whose owed items did not come back in time; forgets empty ones. */
  sweep(): void {
    const now = this.options.now();
    for (const lane of [...this.lanes.values()]) {
      for (const [sequence, until] of lane.owed) if (until <= now) lane.owed.delete(sequence);
      this.dispatch(lane);
    }
  }

  /**
   * Takes the newest waiting items out of lanes that have not moved for `standingMs`, all but
   * `keep` of each; later items of their keys wait `owedMs` for them.
   */
  evict(standingMs: number, keep: number, owedMs: number): Item[] {
    const now = this.options.now();
    const out: Item[] = [];
    for (const lane of this.lanes.values()) {
      if (now - lane.movedAt < standingMs || this.ready.has(lane)) continue;
      for (const item of lane.waiting.splice(keep)) {
        lane.owed.set(item.sequence, now + owedMs);
        out.push(item);
      }
    }
    this.waiting -= out.length;
    return out;
  }

  /** Takes out everything that has not begun to run. */
  drain(): Item[] {
    const out = [...this.lanes.values()].flatMap((lane) => lane.waiting.splice(0));
    this.ready.clear();
    this.waiting = 0;
    return out;
  }

  /** Returns when nothing runs. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.running === 0) resolve();
      else this.onIdle.push(resolve);
    });
  }

  /** Everything held, running or waiting. */
  *held(): Iterable<Item> {
    for (const lane of this.lanes.values()) {
      if (lane.running) yield lane.running;
      yield* lane.waiting;
    }
  }

  private laneOf(key: string): Lane<Item> {
    const found = this.lanes.get(key);
    if (found) return found;
    const movedAt = this.options.now();
    const lane: Lane<Item> = { key, running: undefined, waiting: [], owed: new Map(), movedAt };
    this.lanes.set(key, lane);
    return lane;
  }

  private dispatch(lane: Lane<Item>): void {
    if (lane.running) return;
    const [first] = lane.waiting;
    if (!first) {
      if (lane.owed.size === 0) this.lanes.delete(lane.key);
      return;
    }
    if (this.isOwedBefore(lane, first.sequence)) {
      this.ready.delete(lane);
      return;
    }
    if (this.running >= this.options.runningMax) {
      this.ready.add(lane);
      return;
    }
    this.start(lane, first);
  }

  private isOwedBefore(lane: Lane<Item>, sequence: number): boolean {
    const now = this.options.now();
    for (const [owed, until] of lane.owed) if (owed < sequence && until > now) return true;
    return false;
  }

  private start(lane: Lane<Item>, item: Item): void {
    this.ready.delete(lane);
    lane.waiting.shift();
    this.waiting--;
    this.running++;
    lane.running = item;
    lane.movedAt = this.options.now();
    void this.options.run(item).then((owedMs) => {
      lane.running = undefined;
      lane.movedAt = this.options.now();
      this.running--;
      if (owedMs !== undefined) lane.owed.set(item.sequence, this.options.now() + owedMs);
      this.dispatch(lane);
      for (const next of this.ready) {
        if (this.running >= this.options.runningMax) break;
        this.dispatch(next);
      }
      if (this.running === 0) for (const idle of this.onIdle.splice(0)) idle();
      this.options.onRoom?.();
    });
  }
}
