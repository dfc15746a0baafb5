import { endpoint } from '../balancing/testing/endpoints';
import { Breakers } from '../breaker/breakers';
import { BREAKER_POLICY } from '../breaker/breaker-policy';
import { BreakerRules } from '../breaker/breaker-rules';
import { Deadline } from '../deadline/deadline';
import { CallFailure } from './call-result';
import { ended, GET, PLAIN_POLICY as scenePolicy, POST, scene } from './testing/scene';

const [a, b, c] = [endpoint('a'), endpoint('b'), endpoint('c')];
const busy = Object.assign(new Error('busy'), { status: 503 });
const broken = Object.assign(new Error('broken'), { status: 500 });
const missing = Object.assign(new Error('missing'), { status: 404 });

describe('a proxied call', () => {
  it('goes to one instance after the other, and says which one answered', async () => {
    const { proxy, wheel, arrived } = scene([a, b]);
    const billing = proxy.service('billing');
    for (const id of ['a', 'b', 'a']) {
      const running = billing.call(GET);
      (await arrived()).answer();
      await expect(running).resolves.toMatchObject({
        answer: `from ${id}`,
        from: 'target',
        endpointId: id,
        attempts: 1,
      });
    }
    expect(wheel.size).toBe(0);
    expect(proxy.view()).toMatchObject([{ target: 'billing', underWay: 0, waiting: 0 }]);
  });

  it('asks the directory again only when that has changed, and goes on with a list that makes sense', async () => {
    const { proxy, directory, events, arrived } = scene([a]);
    const billing = proxy.service('billing');
    const calledAt = async () => {
      const running = billing.call(GET);
      (await arrived()).answer();
      return (await running).endpointId;
    };
    expect([await calledAt(), await calledAt(), directory.lookups]).toEqual(['a', 'a', 1]);
    directory.listed = [b];
    expect(await calledAt()).toBe('a');
    directory.revision++;
    expect([await calledAt(), directory.lookups]).toEqual(['b', 2]);
    directory.listed = [c, c];
    directory.revision++;
    expect([await calledAt(), await calledAt()]).toEqual(['b', 'b']);
    expect(events).toMatchObject([
      { kind: 'list-refused', fault: expect.any(RangeError) as unknown },
    ]);
  });

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

  it('has no more time than its caller, which its attempts are told', async () => {
    const { proxy, arrivals, pass, clock } = scene([a, b]);
    await pass(5);
    const billing = proxy.service('billing').withDeadline(150);
    const running = ended(billing.call(GET));
    await pass(120);
    expect(arrivals.map(({ context }) => context.deadline.atMs)).toEqual([105, 155]);
    expect(arrivals.map(({ endpoint: { id } }) => id)).toEqual(['a', 'b']);
    await pass(40);
    await expect(running).resolves.toMatchObject({ code: 'resilience/timed-out', attempts: 2 });
    const passed = billing.withDeadline(Deadline.at(clock.nowMs)).call(GET);
    await expect(passed).rejects.toMatchObject({
      code: 'resilience/deadline-passed',
      outcome: 'failed',
    });
    expect(arrivals).toHaveLength(2);
  });

  it('that takes too long is unknown, is aborted, and leaves nothing behind', async () => {
    const { proxy, arrived, pass, wheel } = scene([a]);
    const running = ended(proxy.service('billing').withTimeout(30).call(POST));
    const { context, answer } = await arrived();
    const { signal } = context;
    await pass(40);
    await expect(running).resolves.toMatchObject({
      outcome: 'unknown',
      code: 'resilience/timed-out',
    });
    expect(signal.aborted).toBe(true);
    answer();
    await pass(1);
    expect([...proxy.tell()]).toMatchObject([{ calls: 1, ok: 0, unknown: 1 }]);
    expect([wheel.size, proxy.view()[0]?.underWay]).toEqual([0, 0]);
  });

  it('is kept from a target whose breaker is open, each pattern of endpoints its own', async () => {
    const breakers = new Breakers({ chance: () => 0.5 });
    const policy = { ...BREAKER_POLICY, trips: [{ kind: 'consecutive' as const, failures: 1 }] };
    const rule = { source: '*', target: 'billing', policy };
    const { proxy, arrived, pass } = scene([a], { breakers });
    const billing = proxy.service('billing').withAttempts(1);
    const failsAt = async () => {
      const running = ended(billing.call(POST));
      (await arrived()).fail(broken);
      return running;
    };
    await failsAt();
    await failsAt();
    breakers.follow(new BreakerRules([{ ...rule, pattern: 'POST /**' }]));
    await failsAt();
    await expect(billing.call(POST)).rejects.toMatchObject({
      code: 'resilience/breaker-open',
      outcome: 'failed',
      retryAfterMs: 2_000,
    });
    const other = billing.call(GET);
    (await arrived()).answer();
    await other;
    await pass(2_000);
    const trial = billing.call(POST);
    (await arrived()).answer();
    await expect(trial).resolves.toMatchObject({ from: 'target' });
    expect([...proxy.tell()]).toMatchObject([{ refused: 1 }]);
  });

  it('is told of when it opens a breaker', async () => {
    const { proxy, arrived, events } = scene([a]);
    const billing = proxy.service('billing').withAttempts(1);
    for (let call = 0; call < 20; call++) {
      const running = ended(billing.call(POST));
      (await arrived()).fail(broken);
      await running;
    }
    expect(events.filter(({ kind }) => kind === 'breaker-changed')).toMatchObject([
      {
        key: { source: 'shop', target: 'billing', pattern: '*' },
        transition: { to: 'open', cause: { kind: 'tripped', evidence: { calls: 20 } } },
      },
    ]);
  });

  it('of a session stays with its instance; a retry goes elsewhere and does not move it', async () => {
    const { proxy, arrived, directory } = scene([a, b, c]);
    const mine = proxy.service('billing').withSession('s1');
    const running = mine.call(GET);
    const first = await arrived();
    first.fail(broken);
    const second = await arrived();
    second.answer();
    await running;
    expect(second.endpoint.id).not.toBe(first.endpoint.id);
    for (let call = 0; call < 5; call++) {
      const again = mine.call(GET);
      (await arrived()).answer();
      expect((await again).endpointId).toBe(first.endpoint.id);
    }
    directory.listed = [b, c];
    directory.revision++;
    const moved = mine.call(GET);
    (await arrived()).answer();
    expect((await moved).endpointId).not.toBe(first.endpoint.id);
  });

  it('is timed for the balancer, unless its endpoint was timed as it began', async () => {
    const { proxy, arrived, pass } = scene([a], {
      policy: { balancer: { ...scenePolicy.balancer, strategy: 'two-choices' } },
    });
    const billing = proxy.service('billing');
    const latencyAfter = async (ms: number) => {
      const running = billing.call(GET);
      const { answer } = await arrived();
      await pass(ms);
      answer();
      await running;
      return Math.round(proxy.view()[0]?.endpoints[0]?.latencyMs ?? 0);
    };
    expect([await latencyAfter(4), await latencyAfter(8), await latencyAfter(8)]).toEqual([
      4, 4, 8,
    ]);
  });

  it('goes to whoever has a capability, as to a target of its own', async () => {
    const { proxy, arrived, clock } = scene([a, b]);
    const running = proxy.serviceByCapability('invoicing', '^1.0.0').call(GET);
    (await arrived()).answer();
    await expect(running).resolves.toMatchObject({ endpointId: 'b' });
    expect([...proxy.breakers.list(clock.nowMs)]).toMatchObject([
      { source: 'shop', target: 'capability:invoicing@^1.0.0', pattern: '*' },
    ]);
    await expect(
      proxy.serviceByCapability('flying').withAttempts(1).call(GET),
    ).rejects.toMatchObject({ code: 'resilience/no-endpoint' });
  });

  it.each(['isFault', 'classify'] as const)('ends when its judge breaks: %s', async (judge) => {
    const judging = () => {
      throw new TypeError('no judgement');
    };
    const policy =
      judge === 'isFault'
        ? { isFault: judging }
        : { retry: { ...scenePolicy.retry, classify: judging } };
    const { proxy, arrived, wheel } = scene([a], { policy });
    const running = ended(proxy.service('billing').call(POST));
    (await arrived()).fail(broken);
    await expect(running).resolves.toMatchObject({
      outcome: 'unknown',
      message: 'billing: no judgement',
    });
    expect([wheel.size, proxy.view()[0]?.underWay]).toEqual([0, 0]);
  });

  it('counts what throws at once, and gives everything back', async () => {
    const { proxy, wheel } = scene([a], {
      transport: () => {
        throw new TypeError('broken');
      },
    });
    const running = proxy.service('billing').withAttempts(1).call(POST);
    await expect(running).rejects.toMatchObject({ outcome: 'unknown' });
    expect([wheel.size, proxy.view()[0]?.underWay]).toEqual([0, 0]);
  });
});

describe('a handle', () => {
  it('is not changed by a wish', async () => {
    const { proxy, arrived, pass } = scene([a]);
    const plain = proxy.service('billing');
    plain.withTimeout(10).withAttempts(1).withSession('s').withPriority('low');
    const running = plain.call(GET);
    const { context, answer } = await arrived();
    expect(context.deadline.atMs).toBe(100);
    await pass(20);
    answer();
    await expect(running).resolves.toMatchObject({ attempts: 1 });
  });

  it.each([
    ['a deadline', (handle: Handle) => handle.withDeadline(0)],
    ['a time-out', (handle: Handle) => handle.withTimeout(Number.POSITIVE_INFINITY)],
    ['attempts', (handle: Handle) => handle.withAttempts(0)],
    ['a cache', (handle: Handle) => handle.withCache({ ttlMs: -1 })],
    ['a hedge', (handle: Handle) => handle.withHedging({ kind: 'fixed', ms: -1 })],
  ])('refuses %s that makes no sense', (_, wish) => {
    expect(() => wish(scene([a]).proxy.service('billing'))).toThrow(RangeError);
  });

  it('of the same service shares its target, of which there are not more than may be', async () => {
    const { proxy, arrived } = scene([a], { targetsMax: 2 });
    const running = proxy.service('one').call(GET);
    const { answer } = await arrived();
    for (const name of ['two', 'three', 'one']) proxy.service(name);
    expect(proxy.view()).toMatchObject([{ target: 'one', underWay: 1 }, { target: 'three' }]);
    answer();
    await running;
  });

  it('refuses a policy that makes no sense, as soon as it is made', () => {
    const { proxy } = scene([a], { policy: { timeoutMs: Number.NaN } });
    expect(() => proxy.service('billing')).toThrow(RangeError);
  });
});

type Handle = ReturnType<ReturnType<typeof scene>['proxy']['service']>;

function retryAfter(delayMs: number) {
  const { retry } = scenePolicy;
  return { ...retry, jitter: 'none' as const, backoff: { kind: 'fixed' as const, delayMs } };
}
