import { CONSECUTIVE_POLICY } from '@downbeat/resilience';
import { BreakerFollower } from './breaker-follower';
import type { Policies } from './followed-policies';
import { HeldBreakers } from './held-breakers';

const NOON = Date.UTC(2026, 2, 1, 12);
const nothing: Policies = { settings: [], orders: [] };
const forced = (order_no: number): Policies => ({
  settings: [],
  orders: [
    {
      breaker_id: '3f2b8c1e-5d43-8a7f-9c21-0e6d5b4a3f21',
      service_name: 'till',
      target_service: 'shop',
      endpoint_pattern: '*',
      order_no,
      kind: 'forced_open',
      reason: 'moving',
      until: new Date(NOON + 3_600_000).toISOString() as never,
      ordered_at: new Date(NOON).toISOString() as never,
    },
  ],
});

let nowMs: number;
let setBackMs: number;
let held: HeldBreakers;
let follower: BreakerFollower;
beforeEach(() => {
  [nowMs, setBackMs] = [0, 0];
  const calendar = () => NOON + nowMs - setBackMs;
  const options = { source: 'till', now: () => nowMs, calendar, chance: () => 0.5 };
  held = new HeldBreakers({ ...options, policy: CONSECUTIVE_POLICY });
  follower = new BreakerFollower(held, (fault) => {
    throw fault;
  });
});

const isOpen = () => held.hold('shop').breaker.waitMs(nowMs) > 0;
const takeFor = (ms: number, position: number, policies: Policies): void => {
  for (const untilMs = nowMs + ms; nowMs < untilMs; nowMs += 5_000)
    follower.take({ position, policies });
};

describe('what is said of breakers', () => {
  it('is not taken back by one that lags', () => {
    follower.take({ position: 9, policies: forced(1) });
    takeFor(30_000, 3, nothing);
    follower.take({ position: 9, policies: forced(1) });
    takeFor(50_000, 3, nothing);
    held.drop('shop');
    expect(isOpen()).toBe(true);
  });

  it('is followed again when for a minute everybody speaks of before: the log was put back', () => {
    follower.take({ position: 9, policies: nothing });
    takeFor(50_000, 3, forced(1));
    expect(isOpen()).toBe(false);
    takeFor(15_000, 3, forced(1));
    expect(isOpen()).toBe(true);
    expect(follower.take({ position: 4, policies: nothing })).toBe(true);
  });

  it('is the same when nothing but time has passed', () => {
    const left = (seconds_left: number): Policies => {
      const { orders, ...rest } = forced(1);
      return { ...rest, orders: orders.map((one) => ({ ...one, seconds_left })) };
    };
    expect(follower.take({ position: 9, policies: left(60) })).toBe(true);
    nowMs += 5_000;
    expect(follower.take({ position: 9, policies: left(55) })).toBe(false);
  });

  it('ends when it was to end, also of one that is made anew after the clock was set', () => {
    const { orders, ...rest } = forced(1);
    const left = orders.map((one) => ({ ...one, seconds_left: 60 }));
    follower.take({ position: 9, policies: { ...rest, orders: left } });
    setBackMs = 3_600_000;
    nowMs += 50_000;
    expect(held.hold('shop').breaker.waitMs(nowMs)).toBe(10_000);
  });

  it('has orders under numbers that were used before the log was put back', () => {
    held.hold('shop');
    follower.take({ position: 9, policies: forced(4) });
    held.hold('shop').breaker.lift('over', nowMs);
    takeFor(65_000, 3, forced(2));
    expect(isOpen()).toBe(true);
  });

  it.each([Number.NaN, 1e300, -1, 1.5])('is nothing at position %p', (position) => {
    expect(follower.take({ position, policies: forced(1) })).toBe(false);
    expect(isOpen()).toBe(false);
  });
});
