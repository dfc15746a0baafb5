import { healthContract, type AnswerOf } from '@downbeat/contracts';
import { CallFailed, DownbeatService, operation } from '@downbeat/sdk';
import { eventually, quickOnce } from '@downbeat/test-bench';
import { z } from 'zod';
import { Suite } from './support/suite';

jest.setTimeout(180_000);

type List = AnswerOf<typeof healthContract.listCircuitBreakers>;
type Breaker = AnswerOf<typeof healthContract.getCircuitBreaker>;
type Metrics = AnswerOf<typeof healthContract.circuitBreakerMetrics>;

const WAIT_MS = 60_000;
const ask = operation('ask', { input: z.object({}), output: z.object({}) });
const SETTINGS = { failure_threshold: 3, success_threshold: 2, timeout_duration: 1 };

/**
 * Goal: breakers of services that use the SDK are seen, explained and ordered about like the suite's own.
 * Method: two instances of a caller, a callee that fails as it is told, the API, real servers.
 */
describe('breakers of services', () => {
  let suite: Suite;
  let tills: readonly DownbeatService[];
  const failing = new Set<string>();
  const asked = new Map<string, number>();
  const services: DownbeatService[] = [];

  const start = async (service_name: string): Promise<DownbeatService> => {
    const service = new DownbeatService({
      gatewayUrl: suite.gatewayUrl,
      natsUrl: suite.natsUrl,
      service: { service_name, service_version: '1.0.0' },
      heartbeatMs: 500,
      // On a busy machine three of them may be late, and who is given up begins anew.
      instance: { heartbeat_ttl_ms: 60_000 },
    });
    service.handle(ask, () => {
      asked.set(service_name, (asked.get(service_name) ?? 0) + 1);
      if (failing.has(service_name)) throw new Error('it fails, as it was told');
      return {};
    });
    services.push(service);
    await service.start();
    await service.registered;
    return service;
  };
  const callable = (target: string) =>
    eventually(
      () => tills.map(({ directory }) => directory.serviceOf(target)?.targets.length),
      (counts) => expect(counts).toEqual([1, 1]),
      WAIT_MS,
    );

  /** What the call ended with: `ok`, or why it failed. */
  const outcomeOf = async (till: DownbeatService | undefined, target: string): Promise<string> => {
    try {
      await till?.call(target, ask, {});
      return 'ok';
    } catch (fault) {
      if (!(fault instanceof CallFailed)) throw fault;
      return (fault.cause as { readonly code: string }).code;
    }
  };
  const OPEN = 'resilience/breaker-open';
  const set = async (target_service: string, more = {}): Promise<string> => {
    const settings = { service_name: 'till', target_service, ...SETTINGS, ...more };
    const { status, body } = await suite.request('POST', '/circuit-breakers', settings);
    expect(status).toBe(202);
    return (body as { breaker_id: string }).breaker_id;
  };
  const order = async (id: string, kind: string, more = {}): Promise<void> => {
    const said = { reason: 'the test wants it', ...more };
    const { status } = await suite.request('PUT', `/circuit-breakers/${id}/${kind}`, said);
    expect(status).toBe(202);
  };
  const breaker = (id: string) => suite.get<Breaker>(`/circuit-breakers/${id}`);
  const inState = (id: string, state: string) =>
    eventually(
      () => breaker(id),
      ({ circuit_breaker }) => expect(circuit_breaker.current_state).toBe(state),
      WAIT_MS,
    );
  const goesThrough = (target: string) =>
    eventually(
      () => Promise.all(tills.map((till) => outcomeOf(till, target))),
      (outcomes) => expect(outcomes).toEqual(['ok', 'ok']),
      WAIT_MS,
    );

  /** Both instances have done what was ordered last, and follow what was set before it. */
  const followed = async (id: string): Promise<void> => {
    await order(id, 'reset');
    await eventually(
      () => breaker(id),
      ({ orders }) => expect(orders[0]?.done_by).toHaveLength(2),
      WAIT_MS,
    );
  };
  /** A breaker that nobody calls through does not close. */
  const closes = (id: string, target: string) =>
    eventually(
      async () => {
        await Promise.all(tills.map((till) => outcomeOf(till, target)));
        return breaker(id);
      },
      ({ circuit_breaker }) => expect(circuit_breaker.current_state).toBe('closed'),
      WAIT_MS,
    );

  beforeAll(async () => {
    suite = await Suite.start({ demo: false });
    tills = [await start('till'), await start('till')];
    await start('stock');
    await start('prices');
    await callable('stock');
    await callable('prices');
  });
  afterAll(async () => {
    await Promise.all(services.map((service) => service.stop()));
    await suite?.stop();
  });

  it('are held open within a second of the order, by every instance, and let go when it expires', async () => {
    const id = await set('stock');
    let sentAt = 0;
    await quickOnce(1_000, async (number) => {
      if (number > 0) await order(id, 'release');
      await goesThrough('stock');
      sentAt = performance.now();
      await order(id, 'force', { mode: 'forced_open', expires_in_seconds: 20 });
      const orderedAt = performance.now();
      const stoppedAfter = await Promise.all(
        tills.map(async (till) => {
          while ((await outcomeOf(till, 'stock')) !== OPEN);
          return performance.now() - orderedAt;
        }),
      );
      return Math.max(...stoppedAfter);
    });
    const before = asked.get('stock');
    const held = await eventually(
      () => breaker(id),
      ({ orders, holders }) => {
        expect(holders).toHaveLength(2);
        expect(orders[0]).toMatchObject({ kind: 'forced_open', waits_for: [] });
      },
      WAIT_MS,
    );
    expect(held.circuit_breaker).toMatchObject({ current_state: 'open', mode: 'forced_open' });
    expect(held.orders[0]?.done_by.map(({ holder }) => holder).sort()).toEqual(
      held.holders.map(({ holder }) => holder).sort(),
    );
    expect(asked.get('stock')).toBe(before);
    await goesThrough('stock');
    expect(performance.now() - sentAt).toBeGreaterThan(19_900);
  });

  it('open when the service fails, are tried, close, and show why', async () => {
    await goesThrough('prices');
    const id = await set('prices');
    await followed(id);
    failing.add('prices');
    const [till] = tills;
    let outcome = '';
    await eventually(
      async () => (outcome = await outcomeOf(till, 'prices')),
      () => expect(outcome).toBe(OPEN),
      WAIT_MS,
    );
    await inState(id, 'open');
    const { circuit_breakers, state_summary } = await suite.get<List>(
      '/circuit-breakers?service_name=till&target_service=prices&state=open',
    );
    expect(circuit_breakers).toMatchObject([
      { id, target_service: 'prices', failure_threshold: 3 },
    ]);
    expect(state_summary.open).toBe(1);
    failing.delete('prices');
    await closes(id, 'prices');
    const { metrics, state_history } = await eventually(
      () => suite.get<Metrics>(`/circuit-breakers/${id}/metrics`),
      ({ state_history: history }) => expect(history.at(-1)?.to_state).toBe('closed'),
      WAIT_MS,
    );
    const tripped = state_history.find(({ cause }) => cause.kind === 'tripped');
    expect(tripped).toMatchObject({
      from_state: 'closed',
      to_state: 'open',
      cause: { evidence: { rule: 'consecutive', failures: 3, threshold: 1 } },
    });
    const steps = state_history.map(({ to_state, cause }) => `${cause.kind} ${to_state}`);
    expect(steps).toEqual(expect.arrayContaining(['waited half_open', 'trial_passed closed']));
    expect(metrics.failed_requests_24h).toBeGreaterThanOrEqual(3);
  });

  it('share what they saw, and each decides for itself', async () => {
    await start('clock');
    await callable('clock');
    await goesThrough('clock');
    const rule = { kind: 'time_window', window_seconds: 10, calls_min: 8, failure_share: 0.5 };
    const id = await set('clock', { policy: { rules: [rule] }, timeout_duration: 600 });
    await followed(id);
    failing.add('clock');
    const failed = await Promise.all(
      tills.flatMap((till) => [1, 2, 3, 4].map(() => outcomeOf(till, 'clock'))),
    );
    // Neither of them has seen enough.
    expect(failed).not.toContain(OPEN);
    const { holders } = await eventually(
      () => breaker(id),
      (one) => expect(one.holders.map(({ state }) => state)).toEqual(['open', 'open']),
      WAIT_MS,
    );
    expect(holders.every(({ failure_count }) => failure_count > 4)).toBe(true);
    for (const till of tills) expect(await outcomeOf(till, 'clock')).toBe(OPEN);
  });

  it('are told of although the health context was away for a while', async () => {
    const { circuit_breakers } = await suite.get<List>('/circuit-breakers?target_service=stock');
    const [{ id } = { id: '' }] = circuit_breakers;
    await suite.app('health').stop('SIGKILL');
    failing.add('stock');
    const [till] = tills;
    await eventually(
      () => outcomeOf(till, 'stock'),
      (outcome) => expect(outcome).toBe(OPEN),
      WAIT_MS,
    );
    await suite.app('health').start();
    await inState(id, 'open');
    failing.delete('stock');
    await closes(id, 'stock');
  });
});
