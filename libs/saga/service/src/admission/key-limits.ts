import { TokenBucket } from '@downbeat/resilience';
import { LRUCache } from 'lru-cache';
import type { Wait } from './call-request';

/** A key that was not heard of for so many others starts with a full bucket again. */
const BUCKETS_MAX = 10_000;

/** Calls under way, and calls per second, of each key in front of one target. */
export class KeyLimits {
  private readonly busy = new Map<string, number>();
  /** Sets room for all of them aside when it is made; most targets have no rate per key. */
  private buckets: LRUCache<string, TokenBucket> | undefined;
  private concurrencyMax = Number.POSITIVE_INFINITY;
  private perSecond: number | undefined;

  limit(concurrencyMax: number | undefined, perSecond: number | undefined): void {
    this.concurrencyMax = concurrencyMax ?? Number.POSITIVE_INFINITY;
    if (perSecond !== this.perSecond) this.buckets = undefined;
    this.perSecond = perSecond;
  }

  waitMs(key: string | undefined, nowMs: number): Wait {
    if (key === undefined) return 0;
    if ((this.busy.get(key) ?? 0) >= this.concurrencyMax) return undefined;
    return this.bucketOf(key)?.waitMs(nowMs) ?? 0;
  }

  take(key: string | undefined, nowMs: number): void {
    if (key === undefined) return;
    this.busy.set(key, (this.busy.get(key) ?? 0) + 1);
    this.bucketOf(key)?.take(nowMs);
  }

  leave(key: string | undefined): void {
    if (key === undefined) return;
    const left = (this.busy.get(key) ?? 0) - 1;
    if (left > 0) this.busy.set(key, left);
    else this.busy.delete(key);
  }

  private bucketOf(key: string): TokenBucket | undefined {
    if (this.perSecond === undefined) return undefined;
    this.buckets ??= new LRUCache({ max: BUCKETS_MAX });
    const bucket =
      this.buckets.get(key) ?? new TokenBucket(this.perSecond, burstOf(this.perSecond));
    this.buckets.set(key, bucket);
    return bucket;
  }
}

/** What a rate lets go at once after a rest: a second's worth, at least one. */
export const burstOf = (perSecond: number): number => Math.max(1, perSecond);
