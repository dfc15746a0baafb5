import { endpoint } from '../balancing/testing/endpoints';
import { BREAKER_POLICY } from '../breaker/breaker-policy';
import { BreakerRules } from '../breaker/breaker-rules';
import { Breakers } from '../breaker/breakers';
import { HEDGE_POLICY } from '../hedging/hedge-policy';
import { GRADIENT_POLICY } from '../concurrency/gradient-limit';
import { ended, GET, POST, scene } from './testing/scene';

const [a, b] = [endpoint('a'), endpoint('b')];
const broken = Object.assign(new Error('broken'), { status: 500 });
const missing = Object.assign(new Error('missing'), { status: 404 });
const soon = { kind: 'fixed', ms: 20 } as const;

function hedged(endpoints = [a, b], more: Parameters<typeof scene>[1] = {}) {
  const all = scene(endpoints, more);
  return { ...all, billing: all.proxy.service('billing').withAttempts(1).withHedging(soon) };
}

describe('a hedged call', () => {
  it('is sent once more elsewhere when it takes long; the first answer counts, the other attempt is abandoned', async () => {
    const { billing, arrived, arrivals, pass, proxy, wheel, events } = hedged();
    const running = billing.call(GET);
    const first = await arrived();
    const { signal } = first.context;
    await pass(19);
    expect(arrivals).toHaveLength(0);
    await pass(1);
    const second = await arrived();
    expect([first.endpoint.id, second.endpoint.id]).toEqual(['a', 'b']);
    second.answer();
    await expect(running).resolves.toMatchObject({ endpointId: 'b', attempts: 2 });
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toMatchObject({ code: 'resilience/answered-elsewhere' });
    first.answer();
    await pass(1);
    expect([...proxy.tell()]).toMatchObject([
      { calls: 1, ok: 1, hedges: 1, retries: 0, endpoints: [{ id: 'b', ok: 1, failed: 0 }] },
    ]);
    expect(events).toMatchObject([{ kind: 'hedged', endpointId: 'b' }]);
    expect([wheel.size, proxy.view()[0]?.underWay]).toEqual([0, 0]);
  });

  it('leaves nothing behind when it answers in time', async () => {
    const { billing, arrived, wheel } = hedged();
    const running = billing.call(GET);
    (await arrived()).answer();
    await expect(running).resolves.toMatchObject({ attempts: 1 });
    expect(wheel.size).toBe(0);
  });

  it('does not fail as long as one of its attempts may still answer', async () => {
    const { billing, arrived, pass } = hedged();
    const running = billing.call(GET);
    const first = await arrived();
    await pass(20);
    const second = await arrived();
    first.fail(broken);
    await pass(1);
    second.answer();
    await expect(running).resolves.toMatchObject({ endpointId: 'b' });
    const failing = ended(billing.call(GET));
    const third = await arrived();
    await pass(20);
    (await arrived()).fail(broken);
    third.fail(broken);
    await expect(failing).resolves.toMatchObject({ status: 500, attempts: 2 });
  });

  it('ends with an answer that says no', async () => {
    const { billing, arrived, pass, wheel } = hedged();
    const running = ended(billing.call(GET));
    await arrived();
    await pass(20);
    (await arrived()).fail(missing);
    await expect(running).resolves.toMatchObject({
      status: 404,
      outcome: 'failed',
      isAnswer: true,
    });
    expect(wheel.size).toBe(0);
  });

  it('is hedged only where twice does no harm, and somebody else is there', async () => {
    const { billing, arrived, arrivals, pass } = hedged();
    const once = billing.call(POST);
    const { answer } = await arrived();
    await pass(50);
    expect(arrivals).toHaveLength(0);
    answer();
    await once;
    const twice = billing.repeatable().call(POST);
    const { fail } = await arrived();
    await pass(20);
    (await arrived()).answer();
    fail(broken);
    await twice;
    const alone = hedged([a]);
    const single = alone.billing.call(GET);
    const only = await alone.arrived();
    await alone.pass(50);
    expect(alone.arrivals).toHaveLength(0);
    only.answer();
    await single;
    expect(alone.proxy.view()[0]?.underWay).toBe(0);
  });

  it('is not hedged beyond the budget, nor where there is no room or no trust', async () => {
    const { proxy, billing, arrivals, pass, clock } = hedged([a, b], {
      policy: {
        hedge: { ...HEDGE_POLICY, share: 0, burst: 1 },
        bulkhead: { concurrencyMax: 3, queueMax: 0, queueMs: 10 },
      },
    });
    const breaker = proxy.breakers.of('shop', 'billing', '', 0);
    const sent = async (calls: number) => {
      const all = Array.from({ length: calls }, () => ended(billing.call(GET)));
      await pass(30);
      const { length } = arrivals;
      for (const { answer } of arrivals.splice(0)) answer();
      await Promise.all(all);
      return length - calls;
    };
    expect(await sent(3)).toBe(0);
    breaker.force('forced-closed', clock.nowMs + 30, 'a test', clock.nowMs);
    expect(await sent(1)).toBe(1);
    expect(await sent(1)).toBe(0);
  });

  it('gives a later attempt its own time before it is hedged', async () => {
    const { proxy, arrived, arrivals, pass } = hedged([a, b, endpoint('c')]);
    const running = proxy.service('billing').withHedging(soon).call(GET);
    await pass(10);
    (await arrived()).fail(broken);
    const second = await arrived();
    await pass(19);
    expect(arrivals).toHaveLength(0);
    await pass(1);
    expect(arrivals).toHaveLength(1);
    second.answer();
    await running;
  });

  it('is not hedged while its target is tried out', async () => {
    const breakers = new Breakers({ chance: () => 0.5 });
    const release = { kind: 'permits', permits: 3, successes: 3, answerMaxMs: 500 } as const;
    breakers.follow(new BreakerRules([], { ...BREAKER_POLICY, release }));
    const { billing, arrived, arrivals, pass, clock } = hedged([a, b], { breakers });
    const breaker = breakers.of('shop', 'billing', '', 0);
    breaker.force('forced-open', 10, 'a test', 0);
    await pass(10);
    const running = billing.call(GET);
    const trial = await arrived();
    await pass(50);
    expect([breaker.statistics(clock.nowMs).state, arrivals.length]).toEqual(['half-open', 0]);
    trial.answer();
    await running;
  });

  it('learns how long answers take, also of those it did not wait for', async () => {
    const { proxy, arrived, arrivals, pass } = hedged();
    const learning = proxy
      .service('billing')
      .withHedging({ kind: 'quantile', share: 0.5, minMs: 1, maxMs: 90 });
    const takes = async (ms: number) => {
      const running = learning.call(GET);
      const { answer } = await arrived();
      await pass(ms);
      const hedges = arrivals.splice(0);
      if (hedges.length === 0) answer();
      for (const hedge of hedges) hedge.answer();
      await running;
      return hedges.length;
    };
    for (let call = 0; call < 20; call++) expect(await takes(4)).toBe(0);
    expect([await takes(4), await takes(7)]).toEqual([0, 1]);
  });

  it('is tried again with all that it has tried in mind, when both attempts failed', async () => {
    const { proxy, arrived, pass } = hedged([a, b, endpoint('c')]);
    const running = proxy.service('billing').withAttempts(2).withHedging(soon).call(GET);
    const first = await arrived();
    await pass(20);
    (await arrived()).fail(broken);
    first.fail(broken);
    const third = await arrived();
    expect([third.endpoint.id, third.context.number]).toEqual(['c', 2]);
    third.answer();
    await expect(running).resolves.toMatchObject({ attempts: 3 });
  });
});

describe('a target that is slow', () => {
  it('has so many calls as it may, the others wait by priority, or not at all', async () => {
    const { proxy, arrived, arrivals, pass } = scene([a], {
      policy: { bulkhead: { concurrencyMax: 1, queueMax: 1, queueMs: 50 } },
    });
    const billing = proxy.service('billing');
    const running = billing.call(GET);
    const first = await arrived();
    const low = billing.withPriority('low').call({ ...GET, path: '/low' });
    const full = ended(billing.withPriority('low').call(GET));
    const critical = billing.withPriority('critical').call({ ...GET, path: '/critical' });
    await expect(full).resolves.toMatchObject({ code: 'resilience/bulkhead-full', attempts: 0 });
    expect([arrivals.length, proxy.view()[0]?.waiting]).toEqual([0, 2]);
    await pass(10);
    first.answer();
    await running;
    const second = await arrived();
    expect([second.request.path, second.context.deadline.atMs]).toEqual(['/critical', 110]);
    second.answer();
    await critical;
    (await arrived()).answer();
    await low;
    const blocker = ended(billing.call(GET));
    const late = ended(billing.call(GET));
    await pass(60);
    await expect(late).resolves.toMatchObject({ code: 'resilience/queue-timed-out' });
    arrivals.splice(0).forEach(({ answer }) => answer());
    await blocker;
  });

  it('does not keep calls waiting for a turn that its breaker would refuse', async () => {
    const { proxy, arrived } = scene([a], {
      policy: { bulkhead: { concurrencyMax: 1, queueMax: 9, queueMs: 50 } },
    });
    const billing = proxy.service('billing');
    const running = billing.call(GET);
    const { answer } = await arrived();
    const breaker = proxy.breakers.of('shop', 'billing', '', 0);
    breaker.force('forced-open', 1_000, 'a test', 0);
    await expect(billing.call(GET)).rejects.toMatchObject({ code: 'resilience/breaker-open' });
    expect(breaker.statistics(0).totals.refused).toBe(1);
    answer();
    await running;
  });

  it('gets fewer calls at once', async () => {
    const adaptive = { ...GRADIENT_POLICY, initial: 10, windowMs: 0, answersMin: 1 };
    const { proxy, arrivals, pass } = scene([a], { policy: { adaptive, timeoutMs: 1_000 } });
    const billing = proxy.service('billing');
    const limit = async (tookMs: number) => {
      for (let round = 0; round < 10; round++) {
        const all = Array.from({ length: 60 }, () => ended(billing.withAttempts(1).call(GET)));
        await pass(tookMs);
        while (arrivals.length > 0) {
          for (const { answer } of arrivals.splice(0)) answer();
          await pass(tookMs);
        }
        await Promise.all(all);
      }
      return proxy.view()[0]?.concurrencyMax ?? 0;
    };
    const usual = await limit(2);
    expect(usual).toBeGreaterThan(10);
    expect(await limit(20)).toBeLessThan(usual);
  });
});
