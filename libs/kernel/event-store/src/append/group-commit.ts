import { EventStoreOverloaded, EventStoreUnavailable } from '../errors';

export interface GroupCommitLimits {
  /** Sum of {@link GroupCommitPorts.sizeOf} sent together; one larger item goes alone. */
  readonly sizeMax: number;
  /** Sum of {@link GroupCommitPorts.weightOf} sent together; one heavier item goes alone. */
  readonly weightMax: number;
  /** Sum of {@link GroupCommitPorts.sizeOf} waiting for their turn; one larger item may wait alone. */
  readonly waitingMax: number;
}

export interface GroupCommitPorts<Item, Result> {
  /** Sends a group; one result or fault per item, in order. When it throws, each item fails with that. */
  readonly send: (items: readonly Item[]) => Promise<readonly (Result | Error)[]>;
  /** Items that share a key never travel together, and keep the order they came in. */
  readonly keysOf: (item: Item) => readonly string[];
  readonly weightOf: (item: Item) => number;
  /** How many it counts for. */
  readonly sizeOf: (item: Item) => number;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly keys: readonly string[];
  readonly size: number;
  readonly resolve: (result: Result) => void;
  readonly reject: (fault: unknown) => void;
}

/**
 * Group commit: whatever arrives while a group is under way goes out together in the next one. One
 * group at a time and no timer: a lone item leaves at once, and groups grow with the load.
 *
 * @see DeWitt et al., "Implementation Techniques for Main Memory Database Systems" (1984).
 */
export class GroupCommit<Item, Result> {
  #waiting: Waiting<Item, Result>[] = [];
  #waitingSize = 0;
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(
    private readonly limits: GroupCommitLimits,
    private readonly ports: GroupCommitPorts<Item, Result>,
  ) {}

  /** @throws {EventStoreOverloaded} @throws {EventStoreUnavailable} It was closed. */
  add(item: Item): Promise<Result> {
    if (this.#isClosed) throw new EventStoreUnavailable('the event store is closed');
    const size = this.ports.sizeOf(item);
    if (this.#waitingSize > 0 && this.#waitingSize + size > this.limits.waitingMax)
      throw new EventStoreOverloaded(this.limits.waitingMax);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, keys: this.ports.keysOf(item), size, resolve, reject });
      this.#waitingSize += size;
      this.#running ??= this.#run();
    });
  }

  /** Takes nothing more, and returns when all that waited was answered. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      // Lets everyone who was just answered, and whatever else this turn brings, join the group.
      await new Promise((resolve) => setImmediate(resolve));
      await this.#sendGroup(this.#takeGroup());
    }
    this.#running = undefined;
  }

  async #sendGroup(group: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.ports.send(group.map(({ item }) => item));
      group.forEach(({ resolve, reject }, index) => {
        const result = results[index];
        if (result === undefined) reject(new EventStoreUnavailable('no answer for this append'));
        else if (result instanceof Error) reject(result);
        else resolve(result);
      });
    } catch (fault) {
      // Rethrown, to everyone who waits for this group.
      for (const { reject } of group) reject(fault);
    }
  }

  #takeGroup(): readonly Waiting<Item, Result>[] {
    const { sizeMax, weightMax } = this.limits;
    const group: Waiting<Item, Result>[] = [];
    const left: Waiting<Item, Result>[] = [];
    // Keys of those left behind count too: nobody overtakes them.
    const keys = new Set<string>();
    let weight = 0;
    let size = 0;
    let looked = 0;
    for (const waiting of this.#waiting) {
      if (size >= sizeMax) break;
      looked++;
      const heavier = weight + this.ports.weightOf(waiting.item);
      const larger = size + waiting.size;
      const fits = group.length === 0 || (heavier <= weightMax && larger <= sizeMax);
      const goes = fits && !waiting.keys.some((key) => keys.has(key));
      for (const key of waiting.keys) keys.add(key);
      if (goes) {
        weight = heavier;
        size = larger;
      }
      (goes ? group : left).push(waiting);
    }
    this.#waiting = left.concat(this.#waiting.slice(looked));
    this.#waitingSize -= size;
    return group;
  }
}
