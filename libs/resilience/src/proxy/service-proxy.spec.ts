import { endpoint } from '../balancing/testing/endpoints';
import { Breakers } from '../breaker/breakers';
import { BREAKER_POLICY } from '../breaker/breaker-policy';
import { BreakerRules } from '../breaker/breaker-rules';
import { Deadline } from '../deadline/deadline';
import { CallFailure } from './call-result';
import { ended, GET, PLAIN_POLICY as scenePolicy, POST, scene } from './testing/scene';

const [a, b, c] = [endpoint('a'), endpoint('b'), endpoint('c')];
const broken = Object.assign(new Error('broken'), { status: 500 });

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

  it('fails as a call for as long as the directory cannot be asked', async () => {
    const { proxy, directory, arrived, arrivals } = scene([a]);
    const { lookup } = directory;
    for (const fault of [new TypeError('out of order'), new RangeError('no such range')]) {
      directory.lookup = () => {
        throw fault;
      };
      directory.revision++;
      for (let call = 0; call < 2; call++) {
        const failure = await ended(proxy.service('billing').call(GET));
        expect(failure).toBeInstanceOf(CallFailure);
        expect(failure).toMatchObject({ cause: fault, outcome: 'failed', attempts: 0 });
      }
    }
    expect(arrivals).toEqual([]);
    expect(proxy.view()).toMatchObject([{ underWay: 0, waiting: 0 }]);
    directory.lookup = lookup;
    const running = proxy.service('billing').call(GET);
    (await arrived()).answer();
    await expect(running).resolves.toMatchObject({ endpointId: 'a' });
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

  it('counts against its target only when an attempt had its time, and not that of a caller in a hurry', async () => {
    const { proxy, arrivals, pass, clock } = scene([a]);
    const billing = proxy.service('billing').withAttempts(1);
    const breaker = proxy.breakers.of('shop', 'billing', '', 0);
    const failuresAfter = async (handle: Handle, ms: number) => {
      const running = ended(handle.call(GET));
      await pass(ms);
      await expect(running).resolves.toMatchObject({ code: 'resilience/timed-out' });
      return breaker.statistics(clock.nowMs).totals.failures;
    };
    const hasty = () => billing.withDeadline(Deadline.after(99, clock.nowMs));
    expect(await failuresAfter(hasty(), 99)).toBe(0);
    expect(await failuresAfter(hasty().withDeadline(5_000), 99)).toBe(0);
    expect(await failuresAfter(billing.withDeadline(Deadline.after(100, clock.nowMs)), 100)).toBe(
      1,
    );
    expect(await failuresAfter(billing, 100)).toBe(2);
    // A time of the code's own is as much as its target is given.
    expect(await failuresAfter(billing.withDeadline(30), 30)).toBe(3);
    expect(await failuresAfter(billing.withTimeout(30), 30)).toBe(4);
    expect([...proxy.tell()]).toMatchObject([{ unknown: 6, endpoints: [{ failed: 4 }] }]);
    expect(arrivals).toHaveLength(6);
  });

  it('is not counted either when its target was the first to see that the time is over', async () => {
    const { proxy, arrived, pass, clock } = scene([a]);
    const breaker = proxy.breakers.of('shop', 'billing', '', 0);
    const failedAt = async (ms: number) => {
      const billing = proxy.service('billing').withDeadline(Deadline.after(50.5, clock.nowMs));
      const running = ended(billing.call(POST));
      const { fail } = await arrived();
      await pass(ms);
      fail(Object.assign(new Error('too late'), { status: 504 }));
      await running;
      return breaker.statistics(clock.nowMs).totals.failures;
    };
    expect(await failedAt(50)).toBe(0);
    expect(await failedAt(49)).toBe(1);
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
    const elsewhere = proxy.serviceByCapability('invoicing', undefined, 'staging').call(GET);
    (await arrived()).answer();
    await expect(elsewhere).resolves.toMatchObject({ endpointId: 'a' });
    expect(proxy.view().map(({ target }) => target)).toContain('capability:invoicing in staging');
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

type Handle = ReturnType<ReturnType<typeof scene>['proxy']['service']>;
