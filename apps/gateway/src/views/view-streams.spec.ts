import { NoAnswer } from '@downbeat/message-bus';
import { eventually, SentEvents } from '@downbeat/test-bench';
import { contractRoutes } from '../http/route-table';
import { FakeBus } from '../testing/fake-bus';
import { FakeView } from '../testing/fake-view';
import { GatewayBench } from '../testing/gateway-bench';
import { ViewSettings } from './view-settings';
import { isQueryByGet, NOT_WATCHED } from './watched-routes';

/** Too rare to help a test along, unless it asks for it. */
const NEVER_MS = 3_600_000;
const services = '/api/orchestration/services';
const AS_STREAM = { headers: { Accept: 'text/event-stream' } };

describe('a view as a stream', () => {
  let bench: GatewayBench;
  let view: FakeView;
  const open: SentEvents[] = [];

  const start = async (changes: Partial<ViewSettings> = {}) => {
    const bus = new FakeBus();
    view = new FakeView(bus);
    const settings = Object.assign(new ViewSettings(), { lookMs: NEVER_MS }, changes);
    bench = await GatewayBench.over(bus, undefined, undefined, settings);
  };
  const watch = async (path = services, headers: Record<string, string> = {}, from?: string) => {
    const stream = await SentEvents.open(bench.url(path), headers, from);
    open.push(stream);
    return stream;
  };
  const plain = async (path = services) => {
    const response = await bench.fetch(path);
    const tag = /"(.*)"/.exec(response.headers.get('ETag') ?? '')?.[1];
    return { id: `${response.headers.get('X-Read-Position')}-${tag}`, body: await response.text() };
  };
  const refused = async (path: string, headers: Record<string, string> = {}) => {
    const response = await bench.fetch(path, { headers: { ...AS_STREAM.headers, ...headers } });
    return (await response.json()) as { status: number; code: string; errors?: unknown };
  };
  const several = (count: number) => (events: readonly unknown[]) => events.length >= count;

  afterEach(async () => {
    for (const stream of open.splice(0)) stream.close();
    await bench.stop();
  });

  it('begins with the answer, whose id is what a plain answer says of itself', async () => {
    await start();
    const { id, body } = await plain();
    const stream = await watch();
    expect(await stream.until(several(1))).toEqual([{ event: 'snapshot', id, data: body }]);
    expect(stream.blocks[0]).toEqual({ retry: '1000' });
  });

  it('shows each answer that is another one, and none twice', async () => {
    await start();
    const stream = await watch(`${services}?every_ms=100`);
    await stream.until(several(1));
    view.append({ services: [] });
    view.append({ services: ['a'] });
    await stream.until((events) => events.at(-1)?.data === '{"services":["a"]}');
    view.append({ services: ['a', 'b'] });
    const events = await stream.until((all) => all.at(-1)?.data === '{"services":["a","b"]}');
    expect(events.map(({ event }) => event)).toEqual(['snapshot', 'change', 'change']);
    expect(events.at(-1)?.id).toBe((await plain()).id);
  });

  it('asks for an answer that holds what was heard of, and not for what others say', async () => {
    await start();
    const stream = await watch();
    await stream.until(several(1));
    const other = await watch('/api/orchestration/workflows');
    await other.until(several(1));
    view.append({ services: ['a'] }, ['observability', 'saga']);
    await other.until(several(2));
    view.append({ services: ['a', 'b'] });
    await stream.until(several(2));
    const asked = bench.bus.queries.filter(({ subject }) => subject.startsWith('query.registry.'));
    expect(asked.map(({ body }) => body['min_position'])).toEqual([undefined, view.head]);
  });

  it('asks when nobody says whose events came', async () => {
    await start();
    const stream = await watch();
    view.appendUnheard({ services: ['a'] });
    view.hint();
    await stream.until(several(2));
  });

  it('looks again after a while though it heard of nothing', async () => {
    await start({ lookMs: 20 });
    const stream = await watch();
    await stream.until(several(1));
    view.appendUnheard({ services: ['a'] });
    await stream.until(several(2));
  });

  it('asks once for all who ask the same', async () => {
    await start({ freshMs: NEVER_MS });
    const streams = await Promise.all(Array.from({ length: 100 }, () => watch()));
    for (const stream of streams) await stream.until(several(1));
    expect(view.asked).toEqual([0]);
    view.append({ services: ['a'] });
    for (const stream of streams) await stream.until(several(2));
    expect(view.asked).toEqual([0, view.head]);
    for (const { events } of streams)
      expect(events.map(({ event }) => event)).toEqual(['snapshot', 'change']);
  });

  it('does not mix up different questions', async () => {
    await start();
    const bus = bench.bus;
    const answer = bus.onQuery;
    bus.onQuery = async (sent) => {
      const outcome = await answer(sent);
      return outcome.ok ? { ...outcome, data: { input: sent.body['input'] } } : outcome;
    };
    const [one, other] = [await watch(`${services}?limit=1`), await watch(`${services}?limit=2`)];
    expect((await one.until(several(1)))[0]?.data).toContain('"limit":1');
    expect((await other.until(several(1)))[0]?.data).toContain('"limit":2');
  });

  it('asks nothing more when nobody watches', async () => {
    await start({ lookMs: 20 });
    const stream = await watch();
    await stream.until(several(1));
    stream.close();
    const again = await watch(`${services}?limit=1`);
    await again.until(several(1));
    const before = bench.bus.queries.length;
    const limits = () =>
      bench.bus.queries.slice(before).map(({ body }) => (body['input'] as { limit: number }).limit);
    await eventually(
      () => limits().filter((limit) => limit === 1).length,
      (count) => count >= 10,
    );
    expect(limits().filter((limit) => limit !== 1).length).toBeLessThan(2);
  });

  describe('for a client that comes back', () => {
    it('repeats nothing it has', async () => {
      await start();
      const { id } = await plain();
      view.append({ services: [] });
      const stream = await watch(services, { 'Last-Event-ID': id });
      view.append({ services: ['a'] });
      const events = await stream.until(several(1));
      expect(events).toMatchObject([{ event: 'change', data: '{"services":["a"]}' }]);
    });

    it('shows what it does not have', async () => {
      await start();
      const { id } = await plain();
      view.append({ services: ['a'] });
      const stream = await watch(services, { 'Last-Event-ID': id });
      const events = await stream.until(several(1));
      expect(events).toMatchObject([{ event: 'snapshot', data: '{"services":["a"]}' }]);
    });

    it('shows nothing older than what it has', async () => {
      await start({ freshMs: NEVER_MS });
      const other = await watch();
      await other.until(several(1));
      view.appendUnheard({ services: ['a'] });
      const { id } = await plain();
      const stream = await watch(services, { 'Last-Event-ID': id });
      view.append({ services: ['a', 'b'] });
      const events = await stream.until(several(1));
      expect(events.map(({ data }) => data)).not.toContain('{"services":[]}');
      await other.until((all) => all.at(-1)?.data === '{"services":["a","b"]}');
    });

    it('from another log says so, and begins anew', async () => {
      await start();
      const { id, body } = await plain();
      const tag = id.split('-').slice(1).join('-');
      const stream = await watch(services, { 'Last-Event-ID': `999-${tag}` });
      expect(await stream.until(several(2))).toEqual([
        { event: 'reset', data: '{"asked":999,"head":1}' },
        { event: 'snapshot', id, data: body },
      ]);
    });

    it('from another log says so also before anybody noticed', async () => {
      await start({ freshMs: -1 });
      const other = await watch();
      await other.until(several(1));
      view.append({ services: ['a'] });
      view.append({ services: ['a', 'b'] });
      const [{ id }] = (
        await other.until((all) => all.at(-1)?.id?.startsWith('3-') === true)
      ).slice(-1) as [{ id: string }];
      view.restore(1, { services: [] });
      const stream = await watch(services, { 'Last-Event-ID': id });
      const [reset, snapshot] = await stream.until(several(2));
      expect(reset).toEqual({ event: 'reset', data: '{"asked":3,"head":1}' });
      expect(snapshot?.data).toBe('{"services":[]}');
    });

    it('goes on while nobody says where the log ends', async () => {
      await start();
      const { id } = await plain();
      view.isLogSilent = true;
      view.append({ services: ['a'] });
      const stream = await watch(services, { 'Last-Event-ID': id });
      const [first] = await stream.until(several(1));
      expect(first?.data).toBe('{"services":["a"]}');
      expect(await refused(`${services}?min_position=99`)).toMatchObject({ status: 503 });
    });

    it('is unavailable when the view is behind', async () => {
      await start();
      const { id } = await plain();
      view.trouble = { code: 'projections/read-model-behind', message: '', kind: 'unavailable' };
      expect(await refused(services, { 'Last-Event-ID': id })).toMatchObject({ status: 503 });
    });
  });

  it('waits for a position that the log has', async () => {
    await start();
    view.appendUnheard({ services: ['a'] });
    const stream = await watch(`${services}?min_position=${view.head}`);
    await stream.until(several(1));
    expect(view.asked).toEqual([view.head]);
  });

  it('is asked for nothing that clients only claim, however many', async () => {
    await start({ askingMax: 1 });
    const other = await watch();
    await other.until(several(1));
    const claims = Array.from({ length: 100 }, (_, at) => `${services}?min_position=${99 + at}`);
    const refusals = await Promise.all(claims.map((claim) => refused(claim)));
    for (const refusal of refusals)
      expect(refusal).toMatchObject({ status: 503, code: 'gateway/position-not-there' });
    view.append({ services: ['a'] });
    await other.until(several(2));
    expect(other.events.map(({ event }) => event)).toEqual(['snapshot', 'change']);
    expect(view.asked).toEqual([0, view.head]);
  });

  it('shows no answer that is older than what was shown', async () => {
    await start({ retryMs: 20, lookMs: 20 });
    view.appendUnheard({ services: ['a'] });
    const stream = await watch();
    await stream.until(several(1));
    view.isCareless = true;
    view.answerAsOf(1, { services: [] });
    await stream.until((all) => all.at(-1)?.event === 'problem');
    view.appendUnheard({ services: ['a', 'b'] });
    await stream.until((all) => all.at(-1)?.data === '{"services":["a","b"]}');
    expect(stream.events.map(({ event }) => event)).toEqual(['snapshot', 'problem', 'snapshot']);
  });

  it('shows an answer that is as of what it is about, and asks no more often for it', async () => {
    await start({ retryMs: 20, heartbeatMs: 100 });
    view.isCareless = true;
    const stream = await watch(`${services}?every_ms=100`);
    await stream.until(several(1));
    view.hintOf(1_000);
    await eventually(
      () => view.asked,
      (asked) => expect(asked).toContain(1_000),
    );
    // So often it could have been asked again.
    const beats = () => stream.blocks.filter(({ comment }) => comment === 'heartbeat').length;
    const before = beats();
    await eventually(beats, (count) => count >= before + 5);
    view.appendUnheard({ services: ['a'] });
    view.hintOf(1_001);
    await stream.until((all) => all.at(-1)?.data === '{"services":["a"]}');
    expect(stream.events.map(({ event }) => event)).toEqual(['snapshot', 'change']);
    expect(view.asked).toEqual([0, 1_000, 1_001]);
  });

  /** Who followed three changes until the log was put back to the first of them, and came again. */
  const throughRestore = async () => {
    const stream = await watch();
    await stream.until(several(1));
    for (const services of [['a'], ['b'], ['c']]) view.append({ services });
    const all = await stream.until((events) => events.at(-1)?.data === '{"services":["c"]}');
    view.restore(2, { services: ['a'] });
    await stream.end();
    expect(stream.isEnded).toBe(true);
    return watch(services, { 'Last-Event-ID': all.at(-1)?.id ?? '' });
  };

  it('ends when the log was restored, and begins anew', async () => {
    await start({ retryMs: 20, lookMs: 20 });
    const again = await throughRestore();
    const [reset, snapshot] = await again.until(several(2));
    expect(reset).toEqual({ event: 'reset', data: '{"asked":4,"head":2}' });
    expect(snapshot?.data).toBe('{"services":["a"]}');
    view.append({ services: ['d'] });
    await again.until((events) => events.at(-1)?.data === '{"services":["d"]}');
  });

  it('ends when the log was restored, though it is answered whatever position it asks for', async () => {
    await start({ retryMs: 20, lookMs: 20 });
    view.isCareless = true;
    const again = await throughRestore();
    expect(await again.until(several(2))).toMatchObject([
      { event: 'reset', data: '{"asked":4,"head":2}' },
      { event: 'snapshot', data: '{"services":["a"]}' },
    ]);
  });

  it('begins with the restored log for a new client, though nobody asked since', async () => {
    await start({ freshMs: -1 });
    view.isCareless = true;
    const stream = await watch();
    await stream.until(several(1));
    view.append({ services: ['a'] });
    await stream.until(several(2));
    view.restore(1, { services: ['b'] });
    const other = await watch();
    expect((await other.until(several(1)))[0]?.data).toBe('{"services":["b"]}');
    await stream.end();
    expect(stream.isEnded).toBe(true);
  });

  it('goes on when the end of the log was read before the log had what was seen', async () => {
    await start({ retryMs: 20 });
    const streams = [await watch(), await watch('/api/orchestration/workflows')];
    for (const stream of streams) await stream.until(several(1));
    view.trouble = { code: 'too-many-queries', message: '', kind: 'unavailable' };
    const tell = view.holdLog();
    view.append({ services: ['a'] });
    await eventually(
      () => view.heads,
      (heads) => expect(heads).toEqual([2]),
    );
    view.append({ services: ['a', 'b'] }, ['saga']);
    await eventually(
      () => view.asked,
      (asked) => expect(asked).toContain(3),
    );
    view.trouble = undefined;
    tell();
    for (const stream of streams)
      await stream.until((events) => events.at(-1)?.data === '{"services":["a","b"]}');
    expect(view.heads).toEqual([2, 3]);
  });

  it('begins anew once, though several questions find out that the log was restored', async () => {
    await start({ retryMs: 20, lookMs: 20 });
    view.append({ services: ['a'] });
    const streams = [await watch(), await watch('/api/orchestration/workflows')];
    for (const stream of streams) await stream.until(several(1));
    const tellFirst = view.holdLog();
    view.restore(1, { services: [] });
    const before = view.asked.length;
    await eventually(
      () => view.asked.slice(before),
      (asked) => expect(asked).toEqual([2, 2]),
    );
    const tellSecond = view.holdLog();
    tellFirst();
    for (const stream of streams) await stream.end();
    const again = await watch();
    await again.until(several(1));
    expect(view.heads).toEqual([1, 1]);
    tellSecond();
    view.append({ services: ['b'] });
    await again.until((events) => events.at(-1)?.data === '{"services":["b"]}');
  });

  describe('with a problem', () => {
    const silence = () => {
      throw new NoAnswer('query.registry.list-services', 'nobody-answers');
    };

    it('that is there at the beginning is a plain problem', async () => {
      await start();
      view.trouble = { code: 'service-unknown', message: 'no billing', kind: 'not-found' };
      expect(await refused(`${services}/billing`)).toMatchObject({
        status: 404,
        code: 'service-unknown',
      });
    });

    it('that passes says so once, and goes on with the whole answer', async () => {
      await start({ retryMs: 20 });
      const stream = await watch();
      await stream.until(several(1));
      view.trouble = silence;
      view.hint(['registry']);
      view.append({ services: [] });
      const asked = view.asked.length;
      const [, problem] = await stream.until(several(2));
      expect(problem?.event).toBe('problem');
      expect(JSON.parse(problem?.data ?? '')).toMatchObject({
        status: 503,
        code: 'message-bus/no-answer',
        instance: services,
      });
      await eventually(
        () => view.asked.length,
        (count) => count >= asked + 4,
      );
      view.trouble = undefined;
      const events = await stream.until(several(3));
      expect(events.map(({ event }) => event)).toEqual(['snapshot', 'problem', 'snapshot']);
    });

    it('that stays ends the stream', async () => {
      await start();
      const stream = await watch(`${services}/billing`);
      await stream.until(several(1));
      view.trouble = { code: 'service-gone', message: 'it was removed', kind: 'gone' };
      view.append({});
      await stream.end();
      expect(stream.events.map(({ event }) => event)).toEqual(['snapshot', 'problem']);
      expect(JSON.parse(stream.events[1]?.data ?? '')).toMatchObject({ status: 410 });
    });
  });

  it.each([
    ['at=5', 'at', {}],
    ['every_ms=99', 'every_ms', {}],
    ['every_ms=60001', 'every_ms', {}],
    ['every_ms=often', 'every_ms', {}],
    ['colour=red', 'colour', {}],
    ['', 'Last-Event-ID', { 'Last-Event-ID': '17' }],
    ['min_position=1&minPosition=2', 'minPosition', {}],
  ])('with %s is refused: %s', async (parameters, field, headers) => {
    await start();
    const problem = await refused(`${services}?${parameters}`, headers);
    expect(problem).toMatchObject({ status: 400, errors: [{ field }] });
    expect(bench.bus.isUntouched).toBe(true);
  });

  it('is for those who want one: others get JSON, and may not say how often', async () => {
    await start();
    for (const accept of ['*/*', 'application/json, text/event-stream', 'text/html', '']) {
      const response = await bench.fetch(services, { headers: { Accept: accept } });
      expect(response.headers.get('Content-Type')).toBe('application/json');
      expect(response.headers.get('Vary')).toBe('Accept');
    }
    const response = await bench.fetch(`${services}?every_ms=500`);
    expect(await response.json()).toMatchObject({ errors: [{ field: 'every_ms' }] });
  });

  it.each(Object.keys(NOT_WATCHED))('is not of %s, which is no view', async (name) => {
    await start();
    const route = contractRoutes.find(({ contract }) => contract.name === name);
    expect(route && isQueryByGet(route)).toBe(true);
    const path = String(route?.path).replace(/\{\w+\}/g, 'a');
    expect(await refused(path)).toMatchObject({ status: 406, code: 'no-view' });
    expect(bench.bus.isUntouched).toBe(true);
  });

  it('says nothing but its headers to HEAD', async () => {
    await start();
    const response = await bench.fetch(services, { method: 'HEAD', ...AS_STREAM });
    expect(response.headers.get('Content-Type')).toContain('text/event-stream');
    expect(bench.bus.isUntouched).toBe(true);
  });

  it('beats', async () => {
    await start({ heartbeatMs: 20 });
    const stream = await watch();
    await eventually(
      () => stream.blocks,
      (blocks) => blocks.some(({ comment }) => comment === 'heartbeat'),
    );
  });

  it('has room for so many clients, and so many of one address', async () => {
    await start({ clientsMax: 3, clientsPerAddressMax: 2 });
    const first = await watch();
    await watch();
    expect(await refused(services)).toMatchObject({ status: 503, code: 'too-many-streams' });
    await watch(services, {}, '127.0.0.2');
    await expect(watch(services, {}, '127.0.0.3')).rejects.toThrow('503');
    first.close();
    await eventually(watch, () => true);
  });

  it('lets a client go that takes nothing, and serves the others all the while', async () => {
    await start({ stalledMs: 2_000 });
    const slow = await watch(`${services}?every_ms=100`);
    const quick = await watch(`${services}?every_ms=100`);
    await slow.until(several(1));
    slow.pause();
    let sent = 0;
    await eventually(
      async () => {
        view.append({ no: ++sent, text: 'x'.repeat(900_000) });
        const isLast = (data = '') => data.startsWith(`{"no":${sent},`);
        await quick.until((events) => isLast(events.at(-1)?.data));
        return bench.metrics();
      },
      (metrics) => /http_requests_under_way{method="GET",route="[^"]*services"} 1\b/.test(metrics),
    );
    slow.resume();
    await slow.end();
    expect(slow.events.length).toBeLessThan(sent);
  });

  it('ends when the gateway stops', async () => {
    await start();
    const stream = await watch();
    await bench.stop();
    await stream.end();
    expect(stream.isEnded).toBe(true);
    await start();
  });

  it('asks without being traced, or traces would ask for themselves for ever', async () => {
    await start();
    const stream = await watch();
    await stream.until(several(1));
    expect(bench.bus.queries[0]?.options?.traceparent).toMatch(/-00$/);
  });
});
