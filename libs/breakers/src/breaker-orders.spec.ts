import { CircuitBreaker, CONSECUTIVE_POLICY } from '@downbeat/resilience';
import { BreakerOrders, type BreakerOrder } from './breaker-orders';

const NOON = 1_000_000;
const order = (more: Partial<BreakerOrder>): BreakerOrder => ({
  breakerId: 'b-1',
  target: 'shop',
  pattern: '*',
  orderNo: 1,
  kind: 'forced-open',
  reason: 'moving',
  untilMs: 600,
  ...more,
});
const keyOf = (target: string, pattern = '*') => ({ source: 'till', target, pattern });
const breakerOf = () => new CircuitBreaker(CONSECUTIVE_POLICY, () => 0.5);

describe('orders for breakers', () => {
  let orders: BreakerOrders;
  let breaker: CircuitBreaker;
  const carryOut = (target = 'shop', isNew = false) =>
    orders.carryOut(keyOf(target), breaker, 100, NOON, isNew);
  beforeEach(() => {
    orders = new BreakerOrders();
    breaker = breakerOf();
  });

  it('are carried out once, and told', () => {
    orders.follow([order({})]);
    expect([carryOut(), carryOut()]).toEqual([true, false]);
    expect(breaker.waitMs(100)).toBe(500);
    expect(orders.take(keyOf('shop'))).toEqual([
      { key: keyOf('shop'), breakerId: 'b-1', orderNo: 1, atMs: NOON },
    ]);
    expect(orders.keys()).toEqual([]);
  });

  it('of a rule go for every target', () => {
    orders.follow([order({ target: '*' })]);
    expect([carryOut('shop'), carryOut('stock')]).toEqual([true, true]);
    expect(orders.keys()).toEqual([keyOf('shop'), keyOf('stock')]);
  });

  it('for others are left to them', () => {
    orders.follow([order({ target: 'stock' })]);
    expect([carryOut(), breaker.waitMs(100)]).toEqual([false, 0]);
  });

  it('go for their own endpoints alone', () => {
    orders.follow([order({ pattern: 'GET /orders' })]);
    expect(carryOut()).toBe(false);
    const key = keyOf('shop', 'GET /orders');
    expect(orders.carryOut(key, breaker, 100, NOON, false)).toBe(true);
  });

  it('come in the order in which they were given', () => {
    orders.follow([order({}), order({ orderNo: 2, kind: 'reset' })]);
    carryOut();
    expect(breaker.statistics(100)).toMatchObject({ state: 'closed', mode: 'automatic' });
  });

  it('that have expired do nothing, but are done', () => {
    orders.follow([order({ untilMs: 99 })]);
    expect([carryOut(), breaker.waitMs(100)]).toEqual([true, 0]);
  });

  it('force one that is made anew again, and are not told again', () => {
    orders.follow([order({})]);
    carryOut();
    orders.take(keyOf('shop'));
    breaker = breakerOf();
    expect([carryOut('shop', true), breaker.waitMs(100)]).toEqual([false, 500]);
    expect(orders.keys()).toEqual([]);
  });

  it('of before the log was put back are not told any more, and those that stand are carried out', () => {
    orders.follow([order({ orderNo: 7 })]);
    carryOut();
    orders.forgetAll();
    expect(orders.keys()).toEqual([]);
    orders.follow([order({ orderNo: 2 })]);
    expect(carryOut()).toBe(true);
    expect(orders.take(keyOf('shop'))).toMatchObject([{ orderNo: 2 }]);
  });

  it('are told of many, the newest of each', () => {
    const all = Array.from({ length: 30 }, (_, one) => order({ breakerId: `b-${one}` }));
    orders.follow(all);
    carryOut();
    expect(orders.take(keyOf('shop')).map(({ breakerId }) => breakerId)).toEqual(
      all.slice(-20).map(({ breakerId }) => breakerId),
    );
  });

  it('to reset move no breaker that nobody has used', () => {
    orders.follow([order({ kind: 'reset' })]);
    carryOut('shop', true);
    expect(breaker.statistics(100)).not.toHaveProperty('lastTransition');
    expect(orders.keys()).toEqual([keyOf('shop')]);
  });
});
