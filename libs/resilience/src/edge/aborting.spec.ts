import { endpoint } from '../balancing/testing/endpoints';
import { CallFailure } from '../proxy/call-result';
import { ended, GET, PLAIN_POLICY, POST, scene } from '../proxy/testing/scene';

const ABORTED = { code: 'resilience/aborted' };
const endpoints = [endpoint('a'), endpoint('b')];

describe('a caller that gives up', () => {
  it('waits no more, and whoever was asked hears of it', async () => {
    const { proxy, arrived, wheel } = scene(endpoints);
    const aborter = new AbortController();
    const running = ended(proxy.service('billing').withSignal(aborter.signal).call(POST));
    const { context } = await arrived();
    const { signal } = context;
    const heard: unknown[] = [];
    context.onGivenUp((reason) => heard.push(reason));
    expect(heard).toEqual([]);
    aborter.abort();
    expect(await running).toMatchObject({ ...ABORTED, outcome: 'unknown', attempts: 1 });
    expect([signal.aborted, wheel.size]).toEqual([true, 0]);
    context.onGivenUp((reason) => heard.push(reason));
    expect(heard).toEqual([signal.reason, signal.reason]);
    expect(proxy.view()).toMatchObject([{ underWay: 0 }]);
  });

  it('sends nothing when it has given up before', async () => {
    const { proxy, arrivals } = scene(endpoints);
    const call = proxy.service('billing').withSignal(AbortSignal.abort()).call(GET);
    expect(await ended(call)).toMatchObject({ ...ABORTED, outcome: 'failed', attempts: 0 });
    expect(arrivals).toEqual([]);
  });

  it('is not tried again, and gets nothing in place of an answer', async () => {
    const { proxy, arrived, arrivals, pass } = scene(endpoints);
    const aborter = new AbortController();
    const billing = proxy.service('billing').withSignal(aborter.signal).withFallback('instead');
    const running = ended(billing.call(GET));
    await arrived();
    aborter.abort();
    expect(await running).toMatchObject(ABORTED);
    await pass(1_000);
    expect(arrivals).toEqual([]);
  });

  it('is not tried again when it gave up between two attempts', async () => {
    const retry = { ...PLAIN_POLICY.retry, backoff: { kind: 'fixed', delayMs: 50 } } as const;
    const { proxy, arrived, arrivals, pass } = scene(endpoints, { policy: { retry } });
    const aborter = new AbortController();
    const running = ended(proxy.service('billing').withSignal(aborter.signal).call(GET));
    (await arrived()).fail(new Error('down'));
    await pass(10);
    aborter.abort();
    expect(await running).toMatchObject({ outcome: 'unknown', attempts: 1 });
    await pass(1_000);
    expect(arrivals).toEqual([]);
  });

  it('gives its place in the line back, and the place of a trial', async () => {
    const bulkhead = { concurrencyMax: 1, queueMax: 5, queueMs: 1_000 };
    const { proxy, arrived, pass } = scene(endpoints, { policy: { bulkhead } });
    const aborter = new AbortController();
    const first = ended(proxy.service('billing').call(GET));
    const waiting = ended(proxy.service('billing').withSignal(aborter.signal).call(GET));
    const last = ended(proxy.service('billing').call(GET));
    const one = await arrived();
    aborter.abort();
    expect(await waiting).toMatchObject({ ...ABORTED, outcome: 'failed' });
    expect(proxy.view()).toMatchObject([{ underWay: 1, waiting: 1 }]);
    one.answer();
    await first;
    (await arrived()).answer('last');
    expect(await last).toMatchObject({ answer: 'last' });
    await pass(2_000);
    expect(proxy.view()).toMatchObject([{ underWay: 0, waiting: 0 }]);
  });

  it('says nothing about a target that is being tried: the next one tries', async () => {
    const { proxy, clock, arrived } = scene(endpoints);
    const breaker = proxy.breakers.of('shop', 'billing', '', 0);
    breaker.force('forced-open', 10, 'the test wants it', 0);
    clock.nowMs = 20;
    const aborter = new AbortController();
    const running = ended(proxy.service('billing').withSignal(aborter.signal).call(GET));
    await arrived();
    expect(breaker.name).toBe('half-open');
    aborter.abort();
    await running;
    expect(breaker.statistics(20)).toMatchObject({ state: 'half-open', trial: { underWay: 0 } });
    const next = ended(proxy.service('billing').call(GET));
    (await arrived()).answer();
    expect(await next).not.toBeInstanceOf(CallFailure);
  });

  it('leaves those alone who wait for the same answer', async () => {
    const { proxy, arrived } = scene(endpoints);
    const aborter = new AbortController();
    const billing = proxy.service('billing').withCache({ ttlMs: 1_000 });
    const one = ended(billing.withSignal(aborter.signal).call(GET));
    const other = ended(billing.call(GET));
    const arrival = await arrived();
    aborter.abort();
    expect(await one).toMatchObject(ABORTED);
    arrival.answer('for both');
    expect(await other).toMatchObject({ answer: 'for both' });
  });

  it('that has its answer listens no more', async () => {
    const { proxy, arrived } = scene(endpoints);
    const { signal } = new AbortController();
    const remove = jest.spyOn(signal, 'removeEventListener');
    const running = ended(proxy.service('billing').withSignal(signal).call(GET));
    (await arrived()).answer();
    await running;
    expect(remove).toHaveBeenCalled();
  });
});

describe('a target without a breaker', () => {
  it('is called however often it fails', async () => {
    const fails = () => Promise.reject(new Error('down'));
    const { proxy } = scene(endpoints, { policy: { hasBreaker: false }, respond: fails });
    const codes = new Set<unknown>();
    for (let one = 0; one < 100; one++) {
      const failure = await ended(proxy.service('billing').withAttempts(1).call(POST));
      codes.add((failure as CallFailure).code);
    }
    expect([...codes]).toEqual(['resilience/call-failed']);
    expect(proxy.breakers.size).toBe(0);
  });
});
