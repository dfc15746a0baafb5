import type { Clockwork } from '../deadline/clockwork';
import { WheelEntry } from '../deadline/timer-wheel';
import { Refusal } from '../refusal';
import { PRIORITY_WEIGHTS, type Priority } from './priority';
import { WaitingLine } from './waiting-line';

export interface BulkheadPolicy {
  /** Calls under way at once; at least 1. */
  readonly concurrencyMax: number;
  /** Calls of each priority that wait: a queue of its own for each, so that none keeps another out. */
  readonly queueMax: number;
  /** No call waits longer, in milliseconds. */
  readonly queueMs: number;
  /** Default {@link PRIORITY_WEIGHTS}. */
  readonly weights?: Readonly<Record<Priority, number>>;
}

export const BULKHEAD_POLICY: BulkheadPolicy = {
  concurrencyMax: 200,
  queueMax: 500,
  queueMs: 1_000,
};

/** A call that waits for its place. Told one thing, once; nothing when it is given up. */
export interface Waiter {
  /** It has its place, and leaves it when it is over. */
  go(): void;
  refused(refusal: Refusal): void;
}

class Queued extends WheelEntry {
  constructor(
    readonly waiter: Waiter,
    readonly priority: Priority,
    private readonly onExpired: (queued: Queued) => void,
  ) {
    super();
  }

  expire(): void {
    this.onExpired(this);
  }
}

/**
 * A bounded number of calls to one target under way, and a bounded number that wait, by priority: a
 * target that is slow takes no more of its callers than that.
 *
 * @see Michael Nygard, "Release It!", ch. 5, Bulkheads.
 */
export class Bulkhead {
  private readonly line: WaitingLine<Queued>;
  private readonly ownMax: number;
  private busy = 0;
  private isLettingGo = false;
  private readonly onExpired = (queued: Queued) => this.expired(queued);

  /**
   * @param limit A limit that changes; the smaller one of both holds.
   * @throws {RangeError} A number of the policy makes no sense.
   */
  constructor(
    private readonly policy: BulkheadPolicy,
    private readonly clockwork: Clockwork,
    private readonly limit?: { readonly current: number },
  ) {
    const { concurrencyMax, queueMax, queueMs, weights = PRIORITY_WEIGHTS } = policy;
    const isSound = concurrencyMax >= 1 && queueMax >= 0 && queueMs > 0 && queueMs < Infinity;
    if (!isSound || !Object.values(weights).every((weight) => weight > 0))
      throw new RangeError('a bulkhead lets at least one pass, and waits for a bounded time');
    this.line = new WaitingLine(weights);
    this.ownMax = concurrencyMax;
  }

  get underWay(): number {
    return this.busy;
  }

  get waiting(): number {
    return this.line.size;
  }

  /** How many may be under way at the moment. */
  get max(): number {
    const { limit, ownMax } = this;
    return limit === undefined ? ownMax : Math.min(limit.current, ownMax);
  }

  /** Takes a place, if there is one and nobody waits for it; hand it back with {@link leave}. */
  tryEnter(): boolean {
    if (this.busy >= this.max || this.line.size > 0) return false;
    this.busy++;
    return true;
  }

  /**
   * Waits for a place until `dueMs` at the latest. The waiter may be refused before this returns.
   *
   * @returns Gives it up: its place in the line is another's. Nothing happens when it does not wait any more.
   */
  wait(waiter: Waiter, priority: Priority, dueMs: number, nowMs: number): () => void {
    if (this.line.of(priority) >= this.policy.queueMax) {
      waiter.refused(full());
      return () => undefined;
    }
    const queued = new Queued(waiter, priority, this.onExpired);
    this.line.add(queued, priority);
    this.clockwork.add(queued, Math.min(dueMs, nowMs + this.policy.queueMs));
    this.letGo();
    return () => {
      if (this.line.drop(queued, priority)) this.clockwork.remove(queued);
    };
  }

  /** A call is over; whose turn it is goes. */
  leave(): void {
    this.busy--;
    if (this.line.size > 0) this.letGo();
  }

  private letGo(): void {
    // One that goes may be over at once and leave: that is seen by the loop, and not by another one in it.
    if (this.isLettingGo) return;
    this.isLettingGo = true;
    try {
      while (this.busy < this.max) {
        const queued = this.line.next();
        if (!queued) return;
        this.clockwork.remove(queued);
        this.busy++;
        queued.waiter.go();
      }
    } finally {
      this.isLettingGo = false;
    }
  }

  private expired(queued: Queued): void {
    if (this.line.drop(queued, queued.priority)) queued.waiter.refused(late());
  }
}

const full = () => new Refusal('resilience/bulkhead-full', 'too many calls to the target wait');
const late = () =>
  new Refusal('resilience/queue-timed-out', 'the call waited too long for its turn');
