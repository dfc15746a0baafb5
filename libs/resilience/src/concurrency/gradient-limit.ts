export interface GradientPolicy {
  /** Calls under way at once, to begin with. */
  readonly initial: number;
  readonly min: number;
  readonly max: number;
  /** Up to this multiple of what is usual a latency is nothing to worry about; at least 1. */
  readonly tolerance: number;
  /** So many more than the latency allows for are let pass, so that the limit can grow. */
  readonly headroom: number;
  /** How far the limit goes at once to where it should be; above 0, at most 1. */
  readonly smoothing: number;
  /** The limit is worked out anew after so long, and so many answers. */
  readonly windowMs: number;
  readonly answersMin: number;
  /** What is usual is learnt from about so many windows. */
  readonly usualWindows: number;
  /** What is left of the limit when calls were dropped; above 0, below 1. */
  readonly backoff: number;
}

/** The numbers of Netflix's Gradient2 where it has them. */
export const GRADIENT_POLICY: GradientPolicy = {
  initial: 20,
  min: 4,
  max: 1_000,
  tolerance: 1.5,
  headroom: 4,
  smoothing: 0.2,
  windowMs: 250,
  answersMin: 10,
  usualWindows: 600,
  backoff: 0.9,
};

/**
 * How many calls a target can bear at once, found out from how long they take: where more calls only
 * take longer, fewer are let pass. Latency of a window is compared with what is usual; the limit goes
 * down with their ratio and up by the headroom. Calls that were dropped (time-outs, refusals by the
 * target for being busy) take a tenth away.
 *
 * @see Gradient2Limit of Netflix's concurrency-limits; TCP Vegas (Brakmo and Peterson, 1995). Dropped
 *      calls: additive increase, multiplicative decrease (Chiu and Jain, 1989).
 */
export class GradientLimit {
  private limit: number;
  private usualMs: number | undefined;
  private windows = 0;
  private sumMs = 0;
  private answers = 0;
  private underWayMax = 0;
  private hasDropped = false;
  private endMs = Number.NEGATIVE_INFINITY;

  /** @throws {RangeError} A number of the policy makes no sense. */
  constructor(private readonly policy: GradientPolicy) {
    const { initial, min, max, tolerance, headroom, smoothing, backoff, usualWindows } = policy;
    const isBounded = min >= 1 && min <= initial && initial <= max && max < Infinity;
    const isSound = tolerance >= 1 && headroom >= 0 && usualWindows >= 1 && policy.windowMs >= 0;
    const isGradual = smoothing > 0 && smoothing <= 1 && backoff > 0 && backoff < 1;
    if (!isBounded || !isSound || !isGradual || !(policy.answersMin >= 1))
      throw new RangeError('a limit lies between its least and its greatest, and moves gradually');
    this.limit = initial;
  }

  get current(): number {
    return Math.floor(this.limit);
  }

  /** What is usual, in milliseconds; undefined: not known yet. */
  get usual(): number | undefined {
    return this.usualMs;
  }

  /** A call was answered. @param underWay Itself counted. */
  answered(tookMs: number, underWay: number, nowMs: number): void {
    this.sumMs += tookMs;
    this.answers++;
    if (underWay > this.underWayMax) this.underWayMax = underWay;
    if (nowMs >= this.endMs && this.answers >= this.policy.answersMin) this.close(nowMs);
  }

  /** A call had no answer because the target has too much to do. */
  dropped(underWay: number, nowMs: number): void {
    this.hasDropped = true;
    if (underWay > this.underWayMax) this.underWayMax = underWay;
    if (nowMs >= this.endMs) this.close(nowMs);
  }

  private close(nowMs: number): void {
    const { min, max, backoff, windowMs } = this.policy;
    const meanMs = this.answers > 0 ? this.sumMs / this.answers : undefined;
    if (meanMs !== undefined) this.learn(meanMs);
    const next = this.hasDropped ? this.limit * backoff : this.next(meanMs);
    this.limit = Math.min(max, Math.max(min, next));
    this.endMs = nowMs + windowMs;
    this.sumMs = this.answers = this.underWayMax = 0;
    this.hasDropped = false;
  }

  private next(meanMs: number | undefined): number {
    const { limit, usualMs = 0, policy } = this;
    // Whoever has not come near the limit has not found out what it would do.
    if (meanMs === undefined || this.underWayMax < limit / 2) return limit;
    const ratio = meanMs > 0 ? (policy.tolerance * usualMs) / meanMs : 1;
    const bearable = limit * Math.max(0.5, Math.min(1, ratio)) + policy.headroom;
    return limit + (bearable - limit) * policy.smoothing;
  }

  private learn(meanMs: number): void {
    this.windows = Math.min(this.windows + 1, this.policy.usualWindows);
    const usualMs = this.usualMs ?? meanMs;
    const learnt = usualMs + (meanMs - usualMs) / this.windows;
    // After a long time of overload what was learnt then is not to be taken for usual.
    this.usualMs = learnt > 2 * meanMs ? learnt * 0.95 : learnt;
  }
}
