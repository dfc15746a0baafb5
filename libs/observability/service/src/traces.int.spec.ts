import type { AnswerOf, observabilityContract } from '@downbeat/contracts';
import type { JsonObject } from '@downbeat/eventsourcing';
import { TestBench } from '@downbeat/test-bench';
import { ObservabilityModule } from './observability.module';
import { of, someSpan, spanIdOf, T0_US, traceIdOf, type Resource } from './testing/span-commands';

type List = AnswerOf<typeof observabilityContract.listTraces>;
type Details = AnswerOf<typeof observabilityContract.getTrace>;

describe('traces, on real Postgres and NATS', () => {
  let bench: TestBench;
  beforeAll(async () => {
    bench = await TestBench.start({
      services: [{ name: 'health', module: ObservabilityModule }],
    });
  });
  afterAll(() => bench.stop());

  const record = (batchId: string, ...resources: readonly Resource[]): Promise<number> =>
    bench.accepted(
      `command.observability.RecordSpans.${batchId}`,
      { resources: [...resources] },
      { timeoutMs: 60_000 },
    );
  const search = (input: JsonObject = {}): Promise<List> =>
    bench.answer<List>('query.observability.search-traces', input);
  const found = async (input: JsonObject): Promise<readonly string[]> =>
    (await search(input)).traces.map(({ trace_id }) => trace_id);
  const open = (trace: number, input: JsonObject = {}, as?: JsonObject): Promise<Details> =>
    bench.answer<Details>(
      'query.observability.get-trace',
      { trace_id: traceIdOf(trace), ...input },
      as,
    );
  const below = (parent: number, more = {}) => ({ parent_span_id: spanIdOf(parent), ...more });

  it('show what several services did, as a tree, with what it waited for', async () => {
    const position = await record(
      'order-1',
      of(
        'shop',
        someSpan(1, 1, { operation_name: 'POST /orders', duration_us: 1_000 }),
        someSpan(1, 2, below(1, { span_kind: 'client', start_us: T0_US + 100, duration_us: 700 })),
      ),
    );
    const failed = {
      span_kind: 'server',
      start_us: T0_US + 200,
      duration_us: 500,
      status_code: 'error',
      status_message: 'no money',
      tags: { 'http.route': '/charge' },
      logs: [{ at_us: T0_US + 300, name: 'exception', tags: { 'exception.message': 'empty' } }],
    } as const;
    await record('order-2', of('billing', someSpan(1, 3, below(2, failed))));
    const { trace, spans, critical_path, service_map } = await open(1);
    expect(trace).toMatchObject({
      root_service: 'shop',
      root_operation: 'POST /orders',
      total_duration_ms: 1,
      span_count: 3,
      service_count: 2,
      error_count: 1,
      status: 'error',
      error_message: 'no money',
    });
    expect(spans.map(({ span_id, children, depth }) => ({ span_id, children, depth }))).toEqual([
      { span_id: spanIdOf(1), children: [spanIdOf(2)], depth: 0 },
      { span_id: spanIdOf(2), children: [spanIdOf(3)], depth: 1 },
      { span_id: spanIdOf(3), children: [], depth: 2 },
    ]);
    expect(spans[2]).toMatchObject({
      service_name: 'billing',
      status_code: 'error',
      tags: { 'http.route': '/charge' },
      logs: [{ level: 'error', message: 'empty' }],
    });
    expect(
      critical_path.map(({ span_id, start_offset_us: from, duration_us }) => [
        Number(span_id),
        from,
        duration_us,
      ]),
    ).toEqual([
      [1, 0, 100],
      [2, 100, 100],
      [3, 200, 500],
      [2, 700, 100],
      [1, 800, 200],
    ]);
    expect(service_map).toEqual([
      {
        source_service: 'shop',
        target_service: 'billing',
        request_count: 1,
        error_count: 1,
        avg_duration_ms: 0.5,
      },
    ]);
    expect((await open(1, {}, { at: position })).spans).toHaveLength(2);
  });

  it('are found by what they are', async () => {
    const [long, failed] = [{ duration_us: 5_000_000 }, { status_code: 'error' }] as const;
    const tags = { 'order.id': '4711', q: 'a=b' };
    await record(
      'search',
      of('till', someSpan(10, 1, long), someSpan(11, 1, { tags }), someSpan(12, 1, failed)),
      of('till', someSpan(13, 1, { start_us: T0_US - 3_600_000_000, operation_name: 'close' })),
    );
    const till = (more: JsonObject) => found({ service_name: 'till', ...more });
    expect(await till({})).toEqual([12, 11, 10, 13].map(traceIdOf));
    expect(await till({ duration_min_ms: 4_000 })).toEqual([traceIdOf(10)]);
    expect(await till({ duration_max_ms: 4_000, has_errors: false })).toEqual(
      [11, 13].map(traceIdOf),
    );
    expect(await till({ has_errors: true })).toEqual([traceIdOf(12)]);
    expect(await till({ operation_name: 'close' })).toEqual([traceIdOf(13)]);
    expect(await found({ tags: 'order.id=4711,q=a=b' })).toEqual([traceIdOf(11)]);
    expect(await found({ tags: 'order.id=4712' })).toEqual([]);
    const hourAgo = new Date(T0_US / 1_000 - 1_800_000).toISOString();
    expect(await till({ end_time: hourAgo })).toEqual([traceIdOf(13)]);
    expect(await till({ offset: 1, limit: 1 })).toEqual([traceIdOf(11)]);
    const first = await search({ service_name: 'till', limit: 3 });
    expect(first.trace_stats).toEqual({
      total_traces: 4,
      avg_duration_ms: (5_000 + 0.3) / 4,
      error_rate: 0.25,
      services_involved: ['till'],
      is_cut: false,
    });
    expect(await till({ limit: 3, cursor: first.next_cursor ?? '' })).toEqual([traceIdOf(13)]);
  });

  it('of 10,000 spans are shown whole, page by page', async () => {
    const spans = Array.from({ length: 10_000 }, (_, at) =>
      someSpan(20, at + 1, {
        ...(at > 0 && { parent_span_id: spanIdOf(Math.ceil(at / 3)) }),
        start_us: T0_US + at,
        duration_us: 20_000 - at,
        tags: { 'http.route': '/orders/{id}', 'server.address': 'node-1', 'thread.id': `${at}` },
      }),
    );
    const batches = Array.from({ length: 20 }, (_, at) => spans.slice(at * 500, at * 500 + 500));
    await Promise.all(batches.map((some, at) => record(`large-${at}`, of('crowd', ...some))));
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await open(20, { limit: 10_000, ...(cursor !== undefined && { cursor }) });
      expect(page.trace.span_count).toBe(10_000);
      seen.push(...page.spans.map(({ span_id }) => span_id));
      cursor = page.next_cursor;
    } while (cursor !== undefined);
    expect(seen).toHaveLength(10_000);
    expect(new Set(seen)).toEqual(new Set(spans.map(({ span_id }) => span_id)));
  });

  it('keep a batch once, whoever hands it over again', async () => {
    await record('twice', of('shop', someSpan(30, 1)));
    await record('twice', of('shop', someSpan(30, 1)));
    await bench.accepted(
      'command.observability.RecordSpans.twice',
      { resources: [of('shop', someSpan(30, 1))] },
      { id: 'another message' },
    );
    expect(await bench.events('spans-twice')).toHaveLength(1);
    expect(
      (await search({ limit: 200 })).traces.find((one) => one.trace_id === traceIdOf(30)),
    ).toMatchObject({ span_count: 1 });
  });

  it('keep no secret, however they come', async () => {
    const tags = { 'http.request.header.authorization': 'Bearer 4711', 'http.route': '/' };
    await record('secret', { ...of('shop', someSpan(35, 1, { tags })), tags });
    const [recorded] = await bench.events('spans-secret');
    expect(JSON.stringify(recorded)).not.toContain('4711');
    expect((await open(35)).spans[0]?.tags).toEqual({
      'http.request.header.authorization': '[redacted]',
      'http.route': '/',
    });
  });

  it.each([
    ['of the future', { start_us: T0_US + 3_600_000_000 }, 'resources.0.spans.0.start_us'],
    ['with a wrong id', { span_id: 'x' }, 'resources.0.spans.0.span_id'],
  ])('take no span %s, and name the field', async (_, more, field) => {
    const outcome = await bench.command('command.observability.RecordSpans.wrong', {
      resources: [of('shop', someSpan(40, 1, more))],
    });
    expect(outcome).toMatchObject({ accepted: false, problem: { errors: [{ field }] } });
    expect(await bench.events('spans-wrong')).toEqual([]);
  });

  it('are compared by what the one waited for and the other did not', async () => {
    const order = (more: object) => ({ operation_name: 'order', ...more });
    const pay = below(1, { operation_name: 'pay', start_us: T0_US + 100, duration_us: 100 });
    await record(
      'fast',
      of('shop', someSpan(50, 1, order({ duration_us: 400 })), someSpan(50, 2, pay)),
    );
    await record(
      'slow',
      of('shop', someSpan(51, 1, order({ duration_us: 2_400 }))),
      of('bank', someSpan(51, 2, { ...pay, duration_us: 2_100 })),
    );
    const compared = await bench.answer('query.observability.compare-traces', {
      first: traceIdOf(50),
      second: traceIdOf(51),
    });
    expect(compared).toMatchObject({
      first: { trace_id: traceIdOf(50), total_duration_ms: 0.4 },
      second: { trace_id: traceIdOf(51), total_duration_ms: 2.4 },
      difference_ms: 2,
      services_added: ['bank'],
      services_removed: [],
      operations: [
        { service_name: 'bank', operation_name: 'pay', critical_difference_ms: 2.1 },
        { service_name: 'shop', operation_name: 'pay', critical_difference_ms: -0.1 },
        { service_name: 'shop', operation_name: 'order', critical_difference_ms: 0 },
      ],
    });
  });

  it('of which no span has come are unknown', async () =>
    expect(
      await bench.query('query.observability.get-trace', { trace_id: traceIdOf(99) }),
    ).toMatchObject({ ok: false, problem: { code: 'trace-unknown', kind: 'not-found' } }));

  it('are the same after a rebuild', async () =>
    expect(
      await bench.bus.query(
        'query.observability.verify-read-model',
        { name: 'observability.traces' },
        { timeoutMs: 60_000 },
      ),
    ).toMatchObject({ ok: true, data: { is_equal: true } }));
});
