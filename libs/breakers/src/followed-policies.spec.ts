import { CONSECUTIVE_POLICY } from '@downbeat/resilience';
import { ordersFrom, rulesFrom, type Policies } from './followed-policies';
import { HeldBreakers } from './held-breakers';

type Order = Policies['orders'][number];

const NOON = Date.UTC(2026, 2, 1, 12);
const named = {
  breaker_id: '3f2b8c1e-5d43-8a7f-9c21-0e6d5b4a3f21',
  service_name: '*',
  target_service: 'shop',
  endpoint_pattern: 'POST /refunds/*',
};
const settings = { ...named, failure_threshold: 5, success_threshold: 3, timeout_duration: 60 };
const order = (more: Partial<Order> = {}): Order => ({
  ...named,
  order_no: 1,
  kind: 'forced_open',
  reason: 'moving',
  until: new Date(NOON + 60_000).toISOString() as never,
  ordered_at: new Date(NOON).toISOString() as never,
  ...more,
});

const heldOf = (policies: Policies) => {
  const now = { nowMs: 0, calendarMs: NOON };
  const options = { source: 'till', now: () => 0, calendar: () => NOON, chance: () => 0.5 };
  const held = new HeldBreakers({ ...options, policy: CONSECUTIVE_POLICY });
  const follow = (said: Policies) =>
    held.follow(rulesFrom(said, held.ownPolicy), ordersFrom(said, now));
  const waitMs = (endpoint: string) => held.breakers.of('till', 'shop', endpoint, 0).waitMs(0);
  follow(policies);
  return { follow, waitMs };
};

describe('what is forced for some endpoints', () => {
  it('stays forced when their settings are removed, and nothing else is', () => {
    const { follow, waitMs } = heldOf({ settings: [settings], orders: [order()] });
    expect([waitMs('POST /refunds/7'), waitMs('POST /ask')]).toEqual([60_000, 0]);
    follow({ settings: [], orders: [order()] });
    expect([waitMs('POST /refunds/7'), waitMs('POST /ask')]).toEqual([60_000, 0]);
    follow({ settings: [], orders: [] });
    expect(waitMs('POST /refunds/7')).toBe(0);
  });

  it('does not keep others from being followed when its pattern makes no sense', () => {
    const odd = order({ breaker_id: 'odd', endpoint_pattern: 'POST /re*' });
    const same = order({ breaker_id: 'same', endpoint_pattern: 'POST refunds/*' });
    const { waitMs } = heldOf({ settings: [], orders: [odd, order(), same] });
    expect(waitMs('POST /refunds/7')).toBe(60_000);
  });

  it('follows what is said of all endpoints, as it would if nothing were forced', () => {
    const id = '4f2b8c1e-5d43-8a7f-9c21-0e6d5b4a3f21';
    const all = { ...settings, breaker_id: id, target_service: '*', endpoint_pattern: '*' };
    const everywhere = order({ breaker_id: 'all', endpoint_pattern: '*' });
    const said = { settings: [all], orders: [order(), everywhere] };
    const rules = rulesFrom(said, CONSECUTIVE_POLICY);
    const decided = (endpoint: string) => rules.decide(rules.of('till', 'shop'), endpoint);
    expect(decided('POST /refunds/7')).toMatchObject({ pattern: 'POST /refunds/*', id });
    expect(decided('POST /ask')).toMatchObject({ pattern: '*', id });
  });

  it('is given up when it has ended', () => {
    const { until: _, ...release } = order({ kind: 'release' });
    const rules = rulesFrom({ settings: [], orders: [release] }, CONSECUTIVE_POLICY);
    expect(rules.of('*', 'shop')).toEqual([]);
  });
});

describe('how long something is forced', () => {
  it('is what is left of it, whatever the clock here says', () => {
    const until = new Date(NOON - 300_000).toISOString() as never;
    const { waitMs } = heldOf({
      settings: [settings],
      orders: [order({ until, seconds_left: 20 })],
    });
    expect(waitMs('POST /refunds/7')).toBe(20_000);
  });

  it('is until its end by the clock here, when nobody says what is left', () =>
    expect(heldOf({ settings: [settings], orders: [order()] }).waitMs('POST /refunds/7')).toBe(
      60_000,
    ));
});
