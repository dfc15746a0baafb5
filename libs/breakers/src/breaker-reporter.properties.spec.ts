import { breakerName, BreakerRules, type BreakerPolicy } from '@downbeat/resilience';
import * as fc from 'fast-check';
import type { BreakerOrder } from './breaker-orders';
import type { Report } from './breaker-report';
import { BreakerReporter, type ReportOutcome } from './breaker-reporter';
import { HeldBreakers } from './held-breakers';

/** Goal: whatever comes and goes, all is told once, and then nobody is told anything. */

const POLICY: BreakerPolicy = {
  trips: [{ kind: 'consecutive', failures: 2 }],
  open: { firstMs: 5_000, factor: 1, maxMs: 5_000, jitterShare: 0 },
  release: { kind: 'permits', permits: 1, successes: 1, answerMaxMs: 60_000 },
};
const RULES = new BreakerRules([], POLICY);
const NOON = Date.UTC(2026, 2, 1, 12);
const TARGETS = Array.from({ length: 120 }, (_, one) => `shop-${one}`);
const KINDS = ['reset', 'release', 'forced-open', 'forced-closed', 'metrics-only'] as const;

const some = fc.subarray(TARGETS, { maxLength: 80 });
const outcome = fc.constantFrom<ReportOutcome>('taken', 'taken', 'taken', 'unheard');
const act = fc.oneof(
  fc.record({ do: fc.constant('call' as const), some, isGood: fc.boolean() }),
  fc.record({ do: fc.constant('drop' as const), some }),
  fc.record({
    do: fc.constant('order' as const),
    target: fc.constantFrom('*', ...TARGETS.slice(0, 3)),
    kind: fc.constantFrom(...KINDS),
    forMs: fc.nat(100_000),
  }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.nat(70_000), outcome }),
);
type Act = typeof act extends fc.Arbitrary<infer One> ? One : never;

/** For so long others may wait for one that is gone. */
const WAITED_FOR_MS = 180_000;

/** A process whose breakers come and go, and what it tells. */
class Teller {
  readonly told: Report[] = [];
  readonly calls = new Map<string, number>();
  /** Whom an order reached, in whichever breaker of that name. */
  readonly ordered = new Set<string>();
  private readonly orders = new Map<string, BreakerOrder>();
  /** When those that are gone were dropped. */
  private readonly gone = new Map<string, number>();
  private readonly held: HeldBreakers;
  private readonly reporter: BreakerReporter;
  private nowMs = 0;
  private orderNo = 0;
  private sends = 0;
  private outcome: ReportOutcome = 'taken';

  constructor() {
    const now = () => this.nowMs;
    const calendar = () => NOON + this.nowMs;
    const options = { source: 'till', now, calendar, chance: () => 0.5, policy: POLICY };
    this.held = new HeldBreakers(options);
    this.reporter = new BreakerReporter(this.held, 'till-1', {
      now,
      send: (report) => {
        this.sends++;
        if (this.outcome === 'taken') this.told.push(report);
        return Promise.resolve(this.outcome);
      },
    });
  }

  async act(act: Act): Promise<void> {
    switch (act.do) {
      case 'call':
        return act.some.forEach((target) => this.call(target, act.isGood));
      case 'drop':
        return act.some.forEach((target) => this.drop(target));
      case 'order':
        return this.order(act.target, act.kind, act.forMs);
      case 'wait':
        this.outcome = act.outcome;
        return this.wait(act.ms);
    }
  }

  /** Long enough for what nobody heard to be sent again, and for a round. */
  async end(): Promise<void> {
    this.outcome = 'taken';
    for (const ms of [31_000, 60_000, 60_000]) await this.wait(ms);
    const { sends } = this;
    await this.wait(1_000);
    expect(this.sends).toBe(sends);
  }

  /** Takes turns until there is no more to tell: none but the last may have told nothing. */
  private async wait(ms: number): Promise<void> {
    this.nowMs += ms;
    for (let turns = 1; ; turns++) {
      const { sends } = this;
      if (!(await this.reporter.turn())) return;
      expect(this.sends).toBe(sends + 1);
      expect(turns).toBeLessThan(100);
    }
  }

  private drop(target: string): void {
    if (!this.held.views().some(({ key }) => key.target === target)) return;
    this.gone.set(target, this.nowMs);
    this.held.drop(target);
  }

  private call(target: string, isGood: boolean): void {
    const { breaker, key } = this.held.hold(target);
    this.gone.delete(target);
    this.reached(target);
    if (breaker.waitMs(this.nowMs) > 0) return;
    breaker.came(breaker.take(this.nowMs), isGood, this.nowMs);
    const name = breakerName(key);
    this.calls.set(name, (this.calls.get(name) ?? 0) + 1);
  }

  private order(target: string, kind: BreakerOrder['kind'], forMs: number): void {
    const breakerId = `of-${target}`;
    const untilMs = this.nowMs + forMs;
    const order = { target, pattern: '*', orderNo: ++this.orderNo, kind, reason: 'so', untilMs };
    this.orders.delete(breakerId);
    this.orders.set(breakerId, { ...order, breakerId });
    this.held.follow(RULES, [...this.orders.values()]);
    for (const { key } of this.held.views()) this.reached(key.target);
    for (const [gone, atMs] of this.gone) if (atMs > this.nowMs - WAITED_FOR_MS) this.reached(gone);
  }

  private reached(target: string): void {
    for (const { target: of, breakerId, orderNo } of this.orders.values())
      if (of === '*' || of === target) this.ordered.add(`${target} ${breakerId} ${orderNo}`);
  }
}

const orderTold = (told: Report['breakers']): readonly string[] =>
  told.flatMap(({ target_service, orders_done }) =>
    orders_done.map(({ breaker_id, order_no }) => `${target_service} ${breaker_id} ${order_no}`),
  );

function callsTold(told: Report['breakers']): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { service_name: source, target_service: target, calls } of told) {
    const name = breakerName({ source, target, pattern: '*' });
    for (const one of calls) counts.set(name, (counts.get(name) ?? 0) + one.calls);
  }
  return counts;
}

it('tells each call and each order once, says that there is more only then, and is quiet', () =>
  fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 20 }), async (acts) => {
      const teller = new Teller();
      for (const act of acts) await teller.act(act);
      await teller.end();
      const told = teller.told.flatMap(({ breakers }) => breakers);
      expect([...orderTold(told)].sort()).toEqual([...teller.ordered].sort());
      expect([...callsTold(told)].sort()).toEqual([...teller.calls].sort());
      for (const { breakers } of teller.told) {
        const targets = breakers.map(({ target_service }) => target_service);
        expect(targets.length).toBeLessThanOrEqual(100);
        expect(new Set(targets).size).toBe(targets.length);
      }
    }),
    { numRuns: 100 },
  ));
