import { HeldBreakers } from '@downbeat/breakers';
import type { AnswerOf, healthContract } from '@downbeat/contracts';
import { BreakerObeying } from './breaker-obeying';
import { FakeNats } from './testing/fake-link';

type Policies = AnswerOf<typeof healthContract.breakerPolicies>;

const HINT = 'hint.health.breakers';
const ID = '3f2b8c1e-5d43-8a7f-9c21-0e6d5b4a3f21';
const between = {
  breaker_id: ID,
  service_name: 'till',
  target_service: 'stock',
  endpoint_pattern: '*',
};
const nothing: Policies = { settings: [], orders: [] };

let nats: FakeNats;
let policies: Policies;
let position: number;
let held: HeldBreakers;
let obeying: BreakerObeying;
beforeEach(() => {
  jest.useFakeTimers({ now: Date.UTC(2026, 2, 1, 9) });
  nats = new FakeNats();
  [policies, position] = [nothing, 1];
  nats.answer = () => ({ ok: true, position, data: policies });
  held = new HeldBreakers({
    source: 'till',
    now: () => performance.now(),
    calendar: Date.now,
    chance: () => 0.5,
  });
  obeying = new BreakerObeying(held, nats.link(), (defect) => {
    throw defect;
  });
  obeying.start();
});
afterEach(async () => {
  await obeying.stop();
  jest.useRealTimers();
});

const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);
const stock = (endpoint = 'POST /ask') =>
  held.breakers.of('till', 'stock', endpoint, performance.now());
const waitMs = (endpoint?: string) => stock(endpoint).waitMs(performance.now());
const forced = (more = {}): Policies => ({
  ...nothing,
  orders: [
    {
      ...between,
      order_no: 1,
      kind: 'forced_open',
      reason: 'moving',
      until: new Date(Date.now() + 20_000).toISOString() as never,
      ordered_at: new Date().toISOString() as never,
      ...more,
    },
  ],
});
const hint = (more = {}) => nats.publish(HINT, JSON.stringify({ position, ...more }));

describe('the breakers of a service', () => {
  it('ask at once, and do what was ordered before they were there', async () => {
    policies = forced();
    await pass(1);
    expect(waitMs()).toBeGreaterThan(19_000);
    await pass(20_000);
    expect(waitMs()).toBe(0);
  });

  it('are held open soon after a hint, for what was ordered by then', async () => {
    await pass(1);
    expect(waitMs()).toBe(0);
    [policies, position] = [forced(), 7];
    hint({ service_name: 'till' });
    await pass(150);
    expect(waitMs()).toBeGreaterThan(0);
    expect(nats.asked.at(-1)?.body).toEqual({ input: { service_name: 'till' }, min_position: 7 });
  });

  it('do not ask when it is about others', async () => {
    await pass(1);
    hint({ service_name: 'kiosk' });
    await pass(1_000);
    expect(nats.asked).toHaveLength(1);
    hint({ service_name: '*' });
    await pass(2_000);
    expect(nats.asked).toHaveLength(2);
  });

  it.each([
    ['a hint for all services', () => hint({ service_name: '*' }), 2_000],
    ['a reconnection', () => nats.reconnect(), 5_000],
  ])('do not all ask in the same moment after %s', async (_, happens, withinMs) => {
    await pass(1);
    const random = jest.spyOn(Math, 'random').mockReturnValue(0.9);
    happens();
    await pass(withinMs * 0.8);
    expect(nats.asked).toHaveLength(1);
    await pass(withinMs * 0.2);
    expect(nats.asked).toHaveLength(2);
    random.mockRestore();
  });

  it('do not wait for the others when a hint is for them alone', async () => {
    await pass(1);
    const random = jest.spyOn(Math, 'random').mockReturnValue(0.9);
    nats.reconnect();
    hint({ service_name: 'till' });
    await pass(100);
    expect(nats.asked).toHaveLength(2);
    random.mockRestore();
  });

  it('ask now and then, and after a reconnection: hints get lost', async () => {
    await pass(1);
    policies = forced();
    await pass(41_000);
    expect(nats.asked.length).toBeGreaterThanOrEqual(2);
    const { length } = nats.asked;
    nats.reconnect();
    await pass(5_000);
    expect(nats.asked).toHaveLength(length + 1);
  });

  it('go on with what was said last while nobody answers, and ask again, ever less often', async () => {
    policies = forced();
    await pass(1);
    nats.answer = () => undefined;
    hint();
    const { length } = nats.asked;
    await pass(6_000);
    expect(waitMs()).toBeGreaterThan(0);
    expect(nats.asked.length).toBeGreaterThanOrEqual(length + 3);
    await pass(60_000);
    nats.asked.length = 0;
    await pass(300_000);
    expect(nats.asked.length).toBeGreaterThanOrEqual(9);
    expect(nats.asked.length).toBeLessThanOrEqual(25);
  });

  it('do not ask for ever for what was hinted at: the log may have been put back', async () => {
    await pass(1);
    const asked = () => nats.asked.at(-1)?.body as { readonly min_position?: number };
    position = 1_000;
    hint();
    nats.answer = () => undefined;
    await pass(3_000);
    expect(asked().min_position).toBe(1_000);
    await pass(60_000);
    expect(asked().min_position).toBe(undefined);
    for (const odd of [1e300, 0.5, 'x']) hint({ position: odd });
    await pass(3_000);
    expect(asked().min_position).toBe(undefined);
    hint({ position: 12 });
    await pass(3_000);
    expect(asked().min_position).toBe(12);
  });

  it('do not go back to what a replica says that lags', async () => {
    [policies, position] = [forced(), 7];
    await pass(1);
    [policies, position] = [{ ...nothing, orders: [] }, 3];
    hint();
    await pass(1_000);
    expect(held.breakers.ruledOf({ source: 'till', target: 'stock', pattern: '*' }).id).toBe(
      undefined,
    );
    expect(waitMs()).toBeGreaterThan(0);
  });

  it('are apart for the endpoints that settings name', async () => {
    const settings = { failure_threshold: 2, success_threshold: 1, timeout_duration: 9 };
    const named = { ...between, endpoint_pattern: 'POST /refunds/*', ...settings };
    policies = { ...forced({ endpoint_pattern: 'POST /refunds/*' }), settings: [named] };
    await pass(1);
    expect(waitMs('POST /refunds/7')).toBeGreaterThan(0);
    expect(waitMs('POST /ask')).toBe(0);
    const thresholds = held
      .views()
      .map(({ key, follows, thresholds: { failures } }) => [key.pattern, follows, failures]);
    expect(thresholds).toEqual([
      ['POST /refunds/*', ID, 2],
      ['*', undefined, 10],
    ]);
  });
});
