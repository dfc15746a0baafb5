import { LRUCache } from 'lru-cache';

/** After this they are asked for again: names that nobody called for a day make room. */
const REMEMBERED_MS = 3_600_000;
/** Of all sources together, each of which counts as one more; whose report is longest ago is asked for again. */
const NAMES_MAX = 50_000;

/** How many reports under way name it; no end of them once one was accepted. */
export type Names = Map<string, number>;

/** The names of targets by source, as many as memory has room for, and no longer than an hour. */
export class TargetNames {
  private readonly bySource: LRUCache<string, { readonly names: Names }>;

  constructor(now: () => number) {
    this.bySource = new LRUCache({
      maxSize: NAMES_MAX,
      sizeCalculation: ({ names }) => names.size + 1,
      ttl: REMEMBERED_MS,
      ttlResolution: 0,
      noUpdateTTL: true,
      perf: { now },
    });
  }

  get size(): number {
    return this.bySource.calculatedSize;
  }

  of(source: string): Names | undefined {
    return this.bySource.get(source)?.names;
  }

  remember(source: string, called: Iterable<string>): Names {
    const names: Names = new Map([...called].map((name) => [name, Infinity]));
    this.bySource.set(source, { names });
    return names;
  }

  /** There are more or fewer names than before; of a source that was forgotten since, nothing is to be done. */
  recount(source: string, names: Names): void {
    // The same value would keep the size it had.
    if (this.bySource.peek(source)?.names === names) this.bySource.set(source, { names });
  }
}
