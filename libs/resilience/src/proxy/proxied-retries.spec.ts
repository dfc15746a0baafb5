import { endpoint } from '../balancing/testing/endpoints';
import { CallFailure } from './call-result';
import { ended, GET, PLAIN_POLICY as scenePolicy, POST, scene } from './testing/scene';

const [a, b, c] = [endpoint('a'), endpoint('b'), endpoint('c')];
const busy = Object.assign(new Error('busy'), { status: 503 });
const broken = Object.assign(new Error('broken'), { status: 500 });
const missing = Object.assign(new Error('missing'), { status: 404 });

describe('a proxied call', () => {
  it('is refused when nobody is there, and tried again as long as nothing was sent', async () => {
    const { proxy, directory, pass, arrivals } = scene([], {
      policy: { retry: { ...retryAfter(20), attemptsMax: 2 } },
    });
    await pass(1);
    const first = ended(proxy.service('billing').call(POST));
    await pass(10);
    directory.listed = [a];
    directory.revision++;
    await pass(20);
    arrivals[0]?.answer('late');
    await expect(first).resolves.toMatchObject({ answer: 'late', attempts: 1 });
    directory.listed = undefined;
    directory.revision++;
    const second = ended(proxy.service('billing').call(POST));
    await pass(50);
    await expect(second).resolves.toMatchObject({
      outcome: 'failed',
      code: 'resilience/no-endpoint',
      attempts: 0,
    });
  });

  it('is tried again on an instance that it has not tried', async () => {
    const { proxy, arrived } = scene([a, b, c]);
    const running = proxy.service('billing').call(POST);
    const tried = [];
    for (const failure of [busy, busy, undefined]) {
      const arrival = await arrived();
      tried.push([arrival.endpoint.id, arrival.context.number]);
      if (failure) arrival.fail(failure);
      else arrival.answer();
    }
    expect(tried).toEqual([
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ]);
    await expect(running).resolves.toMatchObject({ endpointId: 'c', attempts: 3 });
  });

  it('is tried again on the only one there is', async () => {
    const { proxy, arrived } = scene([a]);
    const running = proxy.service('billing').call(GET);
    (await arrived()).fail(broken);
    (await arrived()).answer();
    await expect(running).resolves.toMatchObject({ endpointId: 'a', attempts: 2 });
  });

  it('pays for retries once, whatever becomes of it', async () => {
    const { proxy, arrived } = scene([a, b], {
      policy: {
        retry: { ...scenePolicy.retry, attemptsMax: 9 },
        retryBudget: { share: 1, perSecond: 0, burst: 1 },
      },
    });
    const running = ended(proxy.service('billing').call(GET));
    (await arrived()).fail(busy);
    (await arrived()).fail(busy);
    await expect(running).resolves.toMatchObject({ status: 503, attempts: 2 });
  });

  it('that may have happened is not tried again, unless its method is safe or its caller says so', async () => {
    const { proxy, arrivals, pass } = scene([a, b]);
    const billing = proxy.service('billing');
    const calls = [billing.call(POST), billing.repeatable().call(POST), billing.call(GET)].map(
      ended,
    );
    calls.push(ended(billing.repeatable(false).call(GET)));
    await pass(1);
    for (const { fail } of arrivals.splice(0)) fail(broken);
    await pass(1);
    expect(arrivals).toHaveLength(2);
    for (const { answer } of arrivals.splice(0)) answer();
    const [once, , , twice] = await Promise.all(calls);
    for (const failure of [once, twice]) {
      expect(failure).toBeInstanceOf(CallFailure);
      expect(failure).toMatchObject({
        outcome: 'unknown',
        status: 500,
        cause: broken,
        attempts: 1,
      });
    }
  });

  it('stays unknown when what followed was surely without effect', async () => {
    const { proxy, arrived } = scene([a, b, c]);
    const running = ended(proxy.service('billing').repeatable().call(POST));
    (await arrived()).fail(broken);
    (await arrived()).fail(busy);
    (await arrived()).fail(busy);
    await expect(running).resolves.toMatchObject({ outcome: 'unknown', status: 503, attempts: 3 });
  });

  it('ends with an answer that says no, which counts against nobody', async () => {
    const { proxy, arrived, clock } = scene([a, b]);
    const running = ended(proxy.service('billing').call(GET));
    (await arrived()).fail(missing);
    await expect(running).resolves.toMatchObject({
      outcome: 'failed',
      isAnswer: true,
      status: 404,
      attempts: 1,
    });
    const breaker = proxy.breakers.of('shop', 'billing', '', clock.nowMs);
    expect(breaker.statistics(clock.nowMs).totals).toMatchObject({ calls: 1, failures: 0 });
    expect([...proxy.tell()]).toMatchObject([
      { target: 'billing', calls: 1, ok: 0, failed: 1, endpoints: [{ id: 'a', ok: 1, failed: 0 }] },
    ]);
    expect([...proxy.tell()]).toEqual([]);
  });

  it('that cannot be sent for what is in it says nothing about the target, and is not tried again', async () => {
    const { proxy, arrived, arrivals, clock, pass } = scene([a, b]);
    const breaker = proxy.breakers.of('shop', 'billing', '', 0);
    breaker.force('forced-open', 10, 'the test wants it', 0);
    clock.nowMs = 20;
    const running = ended(proxy.service('billing').call(GET));
    const { fail } = await arrived();
    fail(Object.assign(new Error('invalid header'), { code: 'UND_ERR_INVALID_ARG' }));
    await expect(running).resolves.toMatchObject({
      outcome: 'failed',
      isAnswer: false,
      code: 'UND_ERR_INVALID_ARG',
      attempts: 1,
    });
    await pass(1_000);
    expect(arrivals).toEqual([]);
    expect(breaker.statistics(20)).toMatchObject({
      state: 'half-open',
      trial: { underWay: 0 },
      totals: { calls: 0, failures: 0 },
    });
    expect([...proxy.tell()]).toMatchObject([{ calls: 1, failed: 1, endpoints: [] }]);
  });
});

function retryAfter(delayMs: number) {
  const { retry } = scenePolicy;
  return { ...retry, jitter: 'none' as const, backoff: { kind: 'fixed' as const, delayMs } };
}
