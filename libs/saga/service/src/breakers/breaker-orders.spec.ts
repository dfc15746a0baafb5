import { CircuitBreaker, CONSECUTIVE_POLICY } from '@downbeat/resilience';
import { BreakerOrders, type BreakerOrder } from './breaker-orders';

const NOON = 1_000_000;
const order = (more: Partial<BreakerOrder>): BreakerOrder => ({
  breakerId: 'b-1',
  target: 'shop',
  orderNo: 1,
  kind: 'forced-open',
  reason: 'moving',
  untilMs: NOON + 500,
  ...more,
});
const breakerOf = () => new CircuitBreaker(CONSECUTIVE_POLICY, () => 0.5);

describe('orders for breakers', () => {
  let orders: BreakerOrders;
  let breaker: CircuitBreaker;
  const carryOut = (target = 'shop', isNew = false) =>
    orders.carryOut(target, breaker, 100, NOON, isNew);
  beforeEach(() => {
    orders = new BreakerOrders();
    breaker = breakerOf();
  });

  it('are carried out once, and told', () => {
    orders.follow([order({})]);
    expect([carryOut(), carryOut()]).toEqual([true, false]);
    // The calendar says when it ends, and the breaker goes by its own clock.
    expect(breaker.waitMs(100)).toBe(500);
    expect(orders.take(new Set(['shop']), 9)).toEqual([
      { target: 'shop', breakerId: 'b-1', orderNo: 1, atMs: NOON },
    ]);
    expect(orders.hasNews).toBe(false);
  });

  it('of a rule go for every target', () => {
    orders.follow([order({ target: '*' })]);
    expect([carryOut('shop'), carryOut('stock')]).toEqual([true, true]);
    expect([...orders.targets()]).toEqual(['shop', 'stock']);
  });

  it('for others are left to them', () => {
    orders.follow([order({ target: 'stock' })]);
    expect([carryOut(), breaker.waitMs(100)]).toEqual([false, 0]);
  });

  it('come in the order in which they were given', () => {
    orders.follow([order({}), order({ orderNo: 2, kind: 'reset' })]);
    carryOut();
    expect(breaker.statistics(100)).toMatchObject({ state: 'closed', mode: 'automatic' });
  });

  it('that have expired do nothing, but are done', () => {
    orders.follow([order({ untilMs: NOON - 1 })]);
    expect([carryOut(), breaker.waitMs(100)]).toEqual([true, 0]);
  });

  it('to reset move no breaker that nobody has used', () => {
    orders.follow([order({ kind: 'reset' })]);
    carryOut('shop', true);
    expect(breaker.statistics(100)).not.toHaveProperty('lastTransition');
    expect(orders.hasNews).toBe(true);
  });
});
