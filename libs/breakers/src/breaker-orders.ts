import {
  breakerName,
  type BreakerKey,
  type CircuitBreaker,
  type ForcedMode,
} from '@downbeat/resilience';

/** What somebody wants of breakers; `untilMs` by the breakers' clock: the calendar may be set back. */
export interface BreakerOrder {
  /** Of the breaker or rule it was given to. */
  readonly breakerId: string;
  /** `*`: whatever is called. */
  readonly target: string;
  /** Of the breakers it is for: this very one. */
  readonly pattern: string;
  readonly orderNo: number;
  readonly kind: 'reset' | 'release' | ForcedMode;
  readonly reason: string;
  readonly untilMs?: number;
}

/** An order that a breaker has carried out. */
export interface CarriedOut {
  readonly key: BreakerKey;
  readonly breakerId: string;
  readonly orderNo: number;
  /** By the calendar. */
  readonly atMs: number;
}

/** Of one breaker the newest are kept: who has carried out a newer one has nothing left to do for the others. */
const TOLD_MAX = 20;
const BREAKERS_MAX = 10_000;
const DONE_MAX = 100_000;

/** Which orders were carried out, each once by each breaker, and what of that is to be told. */
export class BreakerOrders {
  private orders: readonly BreakerOrder[] = [];
  /** By breaker and by whom the order was given to: the number of the newest. */
  private readonly done = new Map<string, number>();
  /** By breaker, whether it is still there or not: nobody tells of it otherwise. */
  private readonly carriedOut = new Map<string, readonly CarriedOut[]>();

  /** All that stand, in place of those before, in the order in which they were given. */
  follow(orders: readonly BreakerOrder[]): void {
    this.orders = orders;
    const standing = new Set(orders.map(({ breakerId }) => breakerId));
    for (const place of this.done.keys()) if (!standing.has(idOf(place))) this.done.delete(place);
  }

  /** Those that still stand are carried out again, whatever numbers others had before. */
  forgetAll(): void {
    this.done.clear();
    this.carriedOut.clear();
  }

  /**
   * @param isNew Nobody has used it: nothing to reset, but what is forced is forced again, whatever
   * one of that name did before.
   * @returns Whether anything was carried out that was not before.
   */
  carryOut(
    key: BreakerKey,
    breaker: CircuitBreaker,
    nowMs: number,
    calendarMs: number,
    isNew: boolean,
  ): boolean {
    let hasDone = false;
    for (const order of this.ordersFor(key)) {
      const isDone = this.isDone(key, order);
      if (!isDone || isNew) obey(order, breaker, nowMs, isNew);
      if (isDone) continue;
      this.note(key, order, calendarMs);
      hasDone = true;
    }
    return hasDone;
  }

  /** Does to a breaker that nobody has used what stands, and tells nobody. */
  force(key: BreakerKey, breaker: CircuitBreaker, nowMs: number): void {
    for (const order of this.ordersFor(key)) obey(order, breaker, nowMs, true);
  }

  /** What this breaker has carried out, or one of that name which is gone; it is gone from here. */
  take(key: BreakerKey): readonly CarriedOut[] {
    const name = breakerName(key);
    const taken = this.carriedOut.get(name) ?? [];
    this.carriedOut.delete(name);
    return taken;
  }

  /** The breakers of which there is something to tell. */
  keys(): readonly BreakerKey[] {
    return [...this.carriedOut.values()].flatMap(([one]) => (one ? [one.key] : []));
  }

  private ordersFor({ target, pattern }: BreakerKey): readonly BreakerOrder[] {
    return this.orders.filter(
      (order) => (order.target === '*' || order.target === target) && order.pattern === pattern,
    );
  }

  private isDone(key: BreakerKey, { breakerId, orderNo }: BreakerOrder): boolean {
    return (this.done.get(placeOf(key, breakerId)) ?? 0) >= orderNo;
  }

  private note(key: BreakerKey, { breakerId, orderNo }: BreakerOrder, atMs: number): void {
    this.done.set(placeOf(key, breakerId), orderNo);
    forgetOldest(this.done, DONE_MAX);
    const name = breakerName(key);
    const before = this.carriedOut.get(name) ?? [];
    const all = [...before, { key, breakerId, orderNo, atMs }];
    this.carriedOut.set(name, all.slice(-TOLD_MAX));
    forgetOldest(this.carriedOut, BREAKERS_MAX);
  }
}

function obey(
  { kind, reason, untilMs = 0 }: BreakerOrder,
  breaker: CircuitBreaker,
  nowMs: number,
  isNew: boolean,
): void {
  switch (kind) {
    case 'reset':
      if (!isNew) breaker.reset(reason, nowMs);
      return;
    case 'release':
      return breaker.lift(reason, nowMs);
    case 'forced-open':
    case 'forced-closed':
    case 'metrics-only':
      if (untilMs > nowMs) breaker.force(kind, untilMs, reason, nowMs);
  }
}

const placeOf = (key: BreakerKey, id: string): string => `${breakerName(key)} ${id}`;
/** An id has no spaces. */
const idOf = (place: string): string => place.slice(place.lastIndexOf(' ') + 1);

function forgetOldest(map: Map<string, unknown>, max: number): void {
  for (const name of map.keys()) {
    if (map.size <= max) return;
    map.delete(name);
  }
}
