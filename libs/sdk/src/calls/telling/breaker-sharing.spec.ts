import { HeldBreakers } from '@downbeat/breakers';
import type { BreakerPolicy } from '@downbeat/resilience';
import { BreakerSharing } from './breaker-sharing';
import { FakeNats } from './testing/fake-link';

const POLICY: BreakerPolicy = {
  trips: [{ kind: 'time-window', windowMs: 10_000, callsMin: 6, failureShare: 0.5 }],
  open: { firstMs: 60_000, factor: 1, maxMs: 60_000, jitterShare: 0 },
  release: { kind: 'permits', permits: 1, successes: 1, answerMaxMs: 60_000 },
};
const SUBJECT = 'hint.breakers.till';

let nats: FakeNats;
let running: BreakerSharing[];
beforeEach(() => {
  jest.useFakeTimers();
  nats = new FakeNats();
  running = [];
});
afterEach(async () => {
  await Promise.all(running.map((one) => one.stop()));
  jest.useRealTimers();
});

function instance(holder: string) {
  const held = new HeldBreakers({
    source: 'till',
    now: () => performance.now(),
    calendar: Date.now,
    chance: () => 0.5,
    policy: POLICY,
  });
  const sharing = new BreakerSharing(held, holder, nats.link(), (defect) => {
    throw defect;
  });
  sharing.start();
  running.push(sharing);
  const breaker = () => held.breakers.of('till', 'stock', 'POST /ask', performance.now());
  const call = (isGood: boolean, times: number): void => {
    for (let one = 0; one < times; one++)
      breaker().came(breaker().take(performance.now()), isGood, performance.now());
  };
  return { call, breaker };
}
const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

describe('instances of a service', () => {
  it('open their breakers on what they saw together', async () => {
    const [one, other] = [instance('till-1'), instance('till-2')];
    one.call(false, 3);
    other.call(false, 3);
    await pass(1_000);
    expect([one.breaker().name, other.breaker().name]).toEqual(['open', 'open']);
  });

  it('count the good calls of the others too, while something fails', async () => {
    const [one, other] = [instance('till-1'), instance('till-2')];
    one.call(false, 2);
    await pass(1_000);
    other.call(true, 20);
    await pass(1_000);
    one.call(false, 3);
    await pass(1_000);
    expect(one.breaker().statistics(performance.now()).totals.heardCalls).toBe(20);
    expect([one.breaker().name, other.breaker().name]).toEqual(['closed', 'closed']);
  });

  it('say nothing while all goes well', async () => {
    const { call } = instance('till-1');
    for (let second = 0; second < 30; second++) {
      call(true, 10);
      await pass(1_000);
    }
    expect(nats.published).toEqual([]);
  });

  it('hear neither themselves nor what is no evidence', async () => {
    const { call, breaker } = instance('till-1');
    call(false, 3);
    await pass(1_000);
    const seen = { target_service: 'stock', endpoint_pattern: '*', calls: 9, failures: 9, slow: 0 };
    nats.publish(SUBJECT, JSON.stringify({ holder: 'till-2', seen: [{ ...seen, failures: -9 }] }));
    nats.publish(SUBJECT, JSON.stringify({ holder: 'till-1', seen: [seen] }));
    expect(breaker().name).toBe('closed');
    nats.publish(SUBJECT, JSON.stringify({ holder: 'till-2', seen: [seen] }));
    expect(breaker().name).toBe('open');
  });

  it('are each alone without NATS', async () => {
    const [one, other] = [instance('till-1'), instance('till-2')];
    nats.isAway = true;
    one.call(false, 6);
    other.call(false, 3);
    await pass(60_000);
    expect([one.breaker().name, other.breaker().name]).toEqual(['open', 'closed']);
  });

  it('tell less often the more they are', async () => {
    const { call } = instance('till-0');
    const seen = { target_service: 'stock', endpoint_pattern: '*', calls: 1, failures: 0, slow: 0 };
    for (let peer = 1; peer <= 500; peer++)
      nats.publish(SUBJECT, JSON.stringify({ holder: `till-${peer}`, seen: [seen] }));
    nats.published.length = 0;
    for (let second = 0; second < 20; second++) {
      call(true, 3);
      call(false, 1);
      await pass(1_000);
    }
    expect(nats.published.length).toBeLessThanOrEqual(5);
    expect(nats.published.length).toBeGreaterThanOrEqual(3);
  });

  it('tell more often again when the others have gone, also while something fails', async () => {
    const { call } = instance('till-0');
    const seen = { target_service: 'stock', endpoint_pattern: '*', calls: 1, failures: 0, slow: 0 };
    for (let peer = 1; peer <= 500; peer++)
      nats.publish(SUBJECT, JSON.stringify({ holder: `till-${peer}`, seen: [seen] }));
    const failFor = async (seconds: number) => {
      for (let second = 0; second < seconds; second++) {
        call(true, 3);
        call(false, 1);
        await pass(1_000);
      }
    };
    await failFor(40);
    nats.published.length = 0;
    await failFor(20);
    expect(nats.published.length).toBeGreaterThanOrEqual(15);
  });
});
