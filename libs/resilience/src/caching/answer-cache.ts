import { LRUCache } from 'lru-cache';
import { sizeOfAnswer } from './answer-size';
import { Flights } from './flights';
import type { Invalidation } from './invalidation';
import { TagIndex } from './tag-index';

export interface CacheBounds {
  readonly entriesMax: number;
  /** Of keys and answers together, as far as their size is known. */
  readonly bytesMax: number;
}

export const CACHE_BOUNDS: CacheBounds = { entriesMax: 10_000, bytesMax: 64 * 1_024 * 1_024 };

export interface CacheEntry<Value> {
  readonly value: Value;
  readonly freshUntilMs: number;
  /** Until then it may stand in for an answer that does not come. */
  readonly staleUntilMs: number;
  readonly tags: readonly string[];
}

/**
 * Answers by key, a bounded number and size of them, those not asked for longest going first; and the
 * calls under way for them, one for each key. An answer to a call that began before its key was
 * invalidated is given to those who wait for it, and not kept.
 */
export class AnswerCache<Value> {
  readonly flights: Flights<Value>;
  private readonly entries: LRUCache<string, CacheEntry<Value>>;
  private readonly tags = new TagIndex();

  /** @param sizeOf Bytes of an answer; undefined: too large, or not known, and not kept. */
  constructor(
    { entriesMax, bytesMax }: CacheBounds = CACHE_BOUNDS,
    private readonly sizeOf: (value: Value) => number | undefined = sizeOfAnswer,
  ) {
    this.flights = new Flights(entriesMax);
    this.entries = new LRUCache({
      max: entriesMax,
      maxSize: bytesMax,
      dispose: (entry, key) => this.tags.remove(key, entry.tags),
    });
  }

  get size(): number {
    return this.entries.size;
  }

  get bytes(): number {
    return this.entries.calculatedSize;
  }

  get(key: string): CacheEntry<Value> | undefined {
    return this.entries.get(key);
  }

  /** Keeps an entry, if it is not too large for all that may be kept. */
  set(key: string, entry: CacheEntry<Value>): void {
    const bytes = this.sizeOf(entry.value);
    this.entries.delete(key);
    if (bytes === undefined) return;
    this.entries.set(key, entry, { size: Math.max(1, Math.ceil(bytes + 2 * key.length)) });
    if (this.entries.has(key)) this.tags.add(key, entry.tags);
  }

  /** @returns How many entries went; calls under way for others like them are not kept either. */
  invalidate(what: Invalidation): number {
    this.flights.outdate(what);
    let gone = 0;
    for (const key of this.keysOf(what)) if (this.entries.delete(key)) gone++;
    return gone;
  }

  private keysOf(what: Invalidation): readonly string[] {
    if ('key' in what) return [what.key];
    if ('tag' in what) return this.tags.keysOf(what.tag);
    return [...this.entries.keys()].filter((key) => key.startsWith(what.prefix));
  }
}
