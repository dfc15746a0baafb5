import type { CircuitBreaker, ForcedMode } from '@downbeat/resilience';

/** What somebody wants of breakers; `untilMs` by the calendar. */
export interface BreakerOrder {
  /** Of the breaker or rule it was given to. */
  readonly breakerId: string;
  /** `*`: whatever is called. */
  readonly target: string;
  readonly orderNo: number;
  readonly kind: 'reset' | 'release' | ForcedMode;
  readonly reason: string;
  readonly untilMs?: number;
}

/** An order that a breaker has carried out. */
export interface CarriedOut {
  readonly target: string;
  readonly breakerId: string;
  readonly orderNo: number;
  /** By the calendar. */
  readonly atMs: number;
}

const CARRIED_OUT_MAX = 2_000;

/** Which orders were carried out, each once by each breaker, and what of that is to be told. */
export class BreakerOrders {
  private orders: readonly BreakerOrder[] = [];
  /** By target and by whom the order was given to: the number of the newest. */
  private readonly done = new Map<string, number>();
  private carriedOut: CarriedOut[] = [];

  get hasNews(): boolean {
    return this.carriedOut.length > 0;
  }

  /** All that stand, in place of those before, in the order in which they were given. */
  follow(orders: readonly BreakerOrder[]): void {
    this.orders = orders;
    const standing = new Set(orders.map(({ breakerId }) => breakerId));
    for (const place of this.done.keys()) if (!standing.has(idOf(place))) this.done.delete(place);
  }

  /** @returns Whether there was anything to do. @param isNew Nobody has used it: nothing to reset. */
  carryOut(
    target: string,
    breaker: CircuitBreaker,
    nowMs: number,
    calendarMs: number,
    isNew: boolean,
  ): boolean {
    let hasDone = false;
    for (const order of this.orders) {
      if (order.target !== '*' && order.target !== target) continue;
      const place = placeOf(target, order.breakerId);
      if ((this.done.get(place) ?? 0) >= order.orderNo) continue;
      obey(order, breaker, nowMs, calendarMs, isNew);
      this.done.set(place, order.orderNo);
      const { breakerId, orderNo } = order;
      this.carriedOut.push({ target, breakerId, orderNo, atMs: calendarMs });
      hasDone = true;
    }
    this.carriedOut.splice(0, this.carriedOut.length - CARRIED_OUT_MAX);
    return hasDone;
  }

  /** What was carried out for these targets; it is gone from here. @param max Of each. */
  take(targets: ReadonlySet<string>, max: number): readonly CarriedOut[] {
    const counts = new Map<string, number>();
    const taken: CarriedOut[] = [];
    this.carriedOut = this.carriedOut.filter((one) => {
      const count = counts.get(one.target) ?? 0;
      if (!targets.has(one.target) || count >= max) return true;
      counts.set(one.target, count + 1);
      taken.push(one);
      return false;
    });
    return taken;
  }

  /** Whom there is something to tell of. */
  targets(): ReadonlySet<string> {
    return new Set(this.carriedOut.map(({ target }) => target));
  }
}

function obey(
  { kind, reason, untilMs = 0 }: BreakerOrder,
  breaker: CircuitBreaker,
  nowMs: number,
  calendarMs: number,
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
    case 'metrics-only': {
      const restMs = untilMs - calendarMs;
      if (restMs > 0) breaker.force(kind, nowMs + restMs, reason, nowMs);
    }
  }
}

const placeOf = (target: string, id: string): string => `${target} ${id}`;
const idOf = (place: string): string => place.slice(place.indexOf(' ') + 1);
