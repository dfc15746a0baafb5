import { endpoint } from '../balancing/testing/endpoints';
import { InvalidationByEvent } from '../caching/invalidation-rules';
import { ended, GET, POST, scene } from './testing/scene';

const broken = Object.assign(new Error('broken'), { status: 500 });
const missing = Object.assign(new Error('missing'), { status: 404 });
const policy = { ttlMs: 50, staleIfErrorMs: 100 };

function cached(more: Parameters<typeof scene>[1] = {}) {
  const all = scene([endpoint('a')], more);
  const billing = all.proxy.service('billing').withAttempts(1);
  return { ...all, billing: billing.withCache(policy), plain: billing };
}

describe('a cached call', () => {
  it('asks once, until the answer is too old', async () => {
    const { billing, arrived, pass, arrivals } = cached();
    const first = billing.call(GET);
    (await arrived()).answer('one');
    await expect(first).resolves.toMatchObject({ answer: 'one', from: 'target' });
    await pass(49);
    await expect(billing.call(GET)).resolves.toMatchObject({
      answer: 'one',
      from: 'cache',
      endpointId: 'a',
      attempts: 0,
    });
    await pass(1);
    const again = billing.call(GET);
    (await arrived()).answer('two');
    await expect(again).resolves.toMatchObject({ answer: 'two', from: 'target' });
    expect(arrivals).toHaveLength(0);
  });

  it('is made once for all who ask meanwhile, each of whom waits as long as he likes', async () => {
    const { billing, arrived, pass, arrivals } = cached();
    const short = ended(billing.withDeadline(10).call(GET));
    const patient = [1, 2, 3].map(() => billing.call(GET));
    const { answer, context } = await arrived();
    expect(arrivals).toHaveLength(0);
    expect(context.deadline.atMs).toBe(100);
    await pass(20);
    await expect(short).resolves.toMatchObject({ code: 'resilience/deadline-passed' });
    answer('one');
    for (const one of patient) await expect(one).resolves.toMatchObject({ answer: 'one' });
  });

  it('that fails, fails for all who wait, and is not remembered', async () => {
    const { billing, arrived } = cached();
    const all = [1, 2].map(() => ended(billing.call(GET)));
    (await arrived()).fail(broken);
    for (const one of all) await expect(one).resolves.toMatchObject({ status: 500 });
    const again = billing.call(GET);
    (await arrived()).answer();
    await expect(again).resolves.toMatchObject({ from: 'target' });
  });

  it('gives an old answer when there is no new one, and says so; but not for one that says no', async () => {
    const { billing, arrived, pass, events } = cached();
    const first = billing.call(GET);
    (await arrived()).answer('one');
    await first;
    await pass(60);
    const stale = billing.call(GET);
    (await arrived()).fail(broken);
    await expect(stale).resolves.toMatchObject({
      answer: 'one',
      from: 'stale',
      failure: { status: 500 },
    });
    expect(events.at(-1)).toMatchObject({ kind: 'stood-in', by: 'stale' });
    const gone = ended(billing.call(GET));
    (await arrived()).fail(missing);
    await expect(gone).resolves.toMatchObject({ status: 404 });
    await pass(100);
    const late = ended(billing.call(GET));
    (await arrived()).fail(broken);
    await expect(late).resolves.toMatchObject({ status: 500 });
  });

  it('remembers that there is nothing only when asked to', async () => {
    const { billing, plain, arrived, pass } = cached();
    const first = ended(billing.call(GET));
    (await arrived()).fail(missing);
    await first;
    const careful = plain.withCache({ ...policy, negativeTtlMs: 20 });
    const second = ended(careful.call(GET));
    (await arrived()).fail(missing);
    await second;
    await expect(ended(careful.call(GET))).resolves.toMatchObject({ status: 404 });
    await pass(20);
    const third = ended(careful.call(GET));
    (await arrived()).fail(broken);
    await third;
    const fourth = careful.call(GET);
    (await arrived()).answer();
    await expect(fourth).resolves.toMatchObject({ from: 'target' });
  });

  it.each([
    ['what changes something', POST, {}],
    ['what was asked with credentials', { ...GET, headers: { Authorization: 'Bearer x' } }, {}],
    ['what its key says is not to be', GET, { key: () => undefined }],
  ])('does not keep %s', async (_, request, more) => {
    const { plain, arrived } = cached();
    const billing = plain.withCache({ ...policy, ...more });
    for (let call = 0; call < 2; call++) {
      const running = billing.call(request);
      (await arrived()).answer();
      await expect(running).resolves.toMatchObject({ from: 'target' });
    }
  });

  it('keeps answers apart by session and by what they vary with', async () => {
    const { plain, arrived } = cached();
    const billing = plain.withCache({ ...policy, vary: ['accept'] });
    const german = { ...GET, headers: { Accept: 'text/german' } };
    const asked = [
      () => billing.call(GET),
      () => billing.call(german),
      () => billing.withSession('s').call(GET),
      () => plain.withCache({ ...policy, key: () => 'own' }).call(POST),
    ];
    for (const ask of asked) {
      const running = ask();
      (await arrived()).answer();
      await expect(running).resolves.toMatchObject({ from: 'target' });
      await expect(ask()).resolves.toMatchObject({ from: 'cache' });
    }
  });

  it('forgets by key, by prefix, by tag, and by event', async () => {
    const { proxy, plain, arrived } = cached();
    const billing = plain.withCache({ ...policy, tags: ({ path }) => [`at:${path}`] });
    const byEvent = new InvalidationByEvent<{ readonly id: string }>(proxy, {
      InvoiceChanged: ({ id }) => [{ tag: `at:/invoices/${id}` }],
    });
    const forget = [
      () => proxy.invalidate({ key: 'billing GET /invoices/42' }),
      () => proxy.invalidate({ prefix: 'billing GET /invoices/' }),
      () => proxy.invalidate({ tag: 'at:/invoices/42' }),
      () => byEvent.heard('InvoiceChanged', { id: '42' }),
    ];
    for (const one of forget) {
      const running = billing.call(GET);
      (await arrived()).answer();
      await running;
      expect(proxy.invalidate({ tag: 'other' })).toBe(0);
      expect(byEvent.heard('OtherChanged', { id: '42' })).toBe(0);
      await expect(billing.call(GET)).resolves.toMatchObject({ from: 'cache' });
      expect(one()).toBe(1);
    }
  });

  it('does not keep, nor let anybody join, what began before it was invalidated', async () => {
    const { proxy, billing, arrived } = cached();
    const before = billing.call(GET);
    const { answer } = await arrived();
    proxy.invalidate({ prefix: 'billing ' });
    const after = billing.call(GET);
    const second = await arrived();
    answer('old');
    await expect(before).resolves.toMatchObject({ answer: 'old' });
    second.answer('new');
    await expect(after).resolves.toMatchObject({ answer: 'new', from: 'target' });
    await expect(billing.call(GET)).resolves.toMatchObject({ answer: 'new', from: 'cache' });
    proxy.invalidate({ prefix: 'billing ' });
    const third = billing.call(GET);
    const outdated = await arrived();
    proxy.invalidate({ prefix: 'billing ' });
    outdated.answer('old');
    await third;
    const fourth = billing.call(GET);
    (await arrived()).answer('newest');
    await expect(fourth).resolves.toMatchObject({ answer: 'newest', from: 'target' });
  });
});

describe('a fallback', () => {
  it('stands in for an answer that did not come, and is told to be one', async () => {
    const { plain, arrived } = cached();
    const value = plain.withFallback('nothing known').call(GET);
    (await arrived()).fail(broken);
    await expect(value).resolves.toMatchObject({
      answer: 'nothing known',
      from: 'fallback',
      failure: { status: 500 },
      attempts: 1,
    });
    const worked = plain.withFallbackOf(({ status }, { path }) => `${status} at ${path}`).call(GET);
    (await arrived()).fail(broken);
    await expect(worked).resolves.toMatchObject({ answer: '500 at /invoices/42' });
  });

  it('does not stand in for an answer that says no', async () => {
    const { plain, arrived } = cached();
    const running = plain.withFallback('nothing known').call(GET);
    (await arrived()).fail(missing);
    await expect(running).rejects.toMatchObject({ status: 404 });
  });

  it('comes after an old answer', async () => {
    const { billing, arrived, pass } = cached();
    const careful = billing.withFallback('nothing known');
    const first = careful.call(GET);
    (await arrived()).answer('one');
    await first;
    await pass(60);
    const stale = careful.call(GET);
    (await arrived()).fail(broken);
    await expect(stale).resolves.toMatchObject({ answer: 'one', from: 'stale' });
  });

  it('that waits is not waited for longer than the caller has, and fails as the call did', async () => {
    const { plain, arrived, pass } = cached();
    const waiting = plain.withDeadline(50).withFallbackOf(() => new Promise(() => undefined));
    const running = ended(waiting.call(GET));
    (await arrived()).fail(broken);
    await pass(60);
    await expect(running).resolves.toMatchObject({ status: 500 });
  });

  it('is as a dependency declares it', async () => {
    const { proxy, plain, arrived, arrivals, clock } = cached();
    const strict = ended(proxy.service('billing').withFallbackStrategy('fail_fast').call(GET));
    (await arrived()).fail(broken);
    await expect(strict).resolves.toMatchObject({ attempts: 1, status: 500 });
    const lenient = plain.withFallbackStrategy('default_response', 'default').call(GET);
    (await arrived()).fail(broken);
    await expect(lenient).resolves.toMatchObject({ from: 'fallback', answer: 'default' });
    const guarded = plain.withFallbackStrategy('circuit_breaker', 'default');
    const failing = ended(guarded.call(GET));
    (await arrived()).fail(broken);
    await expect(failing).resolves.toMatchObject({ status: 500 });
    proxy.breakers
      .of('shop', 'billing', '', clock.nowMs)
      .force('forced-open', clock.nowMs + 1_000, 'a test', clock.nowMs);
    await expect(guarded.call(GET)).resolves.toMatchObject({ from: 'fallback' });
    expect(arrivals).toHaveLength(0);
  });
});
