const BUCKETS = 128;
/** Each bucket is by a fifth wider than the one before: 2^(1/4). */
const PER_DOUBLING = 4;
/** Of each of the two halves. */
const SAMPLES_MAX = 1_000;
const SAMPLES_MIN = 20;
/** Looked up anew so seldom: it is asked for with every call, and changes slowly. */
const ASK_EVERY = 16;

/**
 * The latency that a share of the last one to two thousand answers did not exceed, to a fifth. Nothing is
 * known before there are twenty.
 *
 * @see Buckets that grow by a factor: HdrHistogram; DDSketch (Masson, Rim and Lee, VLDB 2019).
 */
export class LatencyQuantile {
  private young = new Uint32Array(BUCKETS);
  private old = new Uint32Array(BUCKETS);
  private youngCount = 0;
  private oldCount = 0;
  private sinceAsked = 0;
  private known: { readonly share: number; readonly ms: number } | undefined;

  saw(tookMs: number): void {
    const at = bucketOf(tookMs);
    this.young[at] = (this.young[at] ?? 0) + 1;
    this.sinceAsked++;
    if (++this.youngCount < SAMPLES_MAX) return;
    [this.young, this.old] = [this.old.fill(0), this.young];
    this.oldCount = this.youngCount;
    this.youngCount = 0;
  }

  /** Milliseconds, rounded up to the end of a bucket. */
  at(share: number): number | undefined {
    if (this.known?.share === share && this.sinceAsked < ASK_EVERY) return this.known.ms;
    const count = this.youngCount + this.oldCount;
    if (count < SAMPLES_MIN) return undefined;
    this.sinceAsked = 0;
    let left = Math.ceil(count * share);
    let at = 0;
    for (; at < BUCKETS - 1; at++) {
      left -= (this.young[at] ?? 0) + (this.old[at] ?? 0);
      if (left <= 0) break;
    }
    this.known = { share, ms: endOf(at) };
    return this.known.ms;
  }
}

/** In microseconds, so that what is fast can be told apart. */
const bucketOf = (ms: number): number =>
  Math.min(BUCKETS - 1, Math.max(0, Math.ceil(Math.log2(Math.max(1, ms * 1_000)) * PER_DOUBLING)));
const endOf = (bucket: number): number => 2 ** (bucket / PER_DOUBLING) / 1_000;
