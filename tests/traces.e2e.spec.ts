import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '@downbeat/test-bench';
import { Suite } from './support/suite';

jest.setTimeout(180_000);

const run = promisify(execFile);
const EXPORTER = join(__dirname, 'support', 'span-exporter.mjs');

interface Listed {
  readonly traces: readonly { trace_id: string; span_count: number; error_count: number }[];
  readonly trace_stats: { readonly total_traces: number; readonly error_rate: number };
}
interface Opened {
  readonly trace: { readonly span_count: number; readonly total_duration_ms: number };
  readonly spans: readonly { readonly span_id: string }[];
  readonly next_cursor?: string;
}

describe('traces, in the suite as it runs', () => {
  let suite: Suite;
  beforeAll(async () => {
    suite = await Suite.start({ demo: false });
  });
  afterAll(() => suite.stop());

  const otlp = (): string => suite.apps.get('health')?.url ?? '';

  it("come from OpenTelemetry's own SDK, and are found and opened over HTTP", async () => {
    const ids: string[] = [];
    for (const form of ['protobuf', 'json']) {
      const { stdout } = await run(process.execPath, [EXPORTER, form, otlp()]);
      ids.push((JSON.parse(stdout) as { trace_id: string }).trace_id);
    }
    const { trace_stats } = await eventually(
      () => suite.get<Listed>('/traces/search?service_name=billing-json&has_errors=true'),
      ({ traces }) =>
        expect(traces).toMatchObject([{ trace_id: ids[1], span_count: 3, error_count: 1 }]),
    );
    expect(trace_stats).toMatchObject({ total_traces: 1, error_rate: 1 });
    const tags = encodeURIComponent('http.response.status_code=201');
    const { traces } = await suite.get<Listed>(`/traces?tags=${tags}&duration_max_ms=60000`);
    expect(traces.map(({ trace_id }) => trace_id).toSorted()).toEqual(ids.toSorted());
    const opened = await suite.get<Opened>(`/traces/${ids[0]}`);
    expect(opened).toMatchObject({
      trace: { trace_id: ids[0], root_operation: 'POST /orders', status: 'error' },
      service_map: [{ source_service: 'shop-protobuf', target_service: 'billing-protobuf' }],
    });
    expect(await suite.get(`/traces/compare?first=${ids[0]}&second=${ids[1]}`)).toMatchObject({
      services_added: ['billing-json', 'shop-json'],
      services_removed: ['billing-protobuf', 'shop-protobuf'],
    });
    expect((await suite.request('GET', `/traces/${'f'.repeat(32)}`)).status).toBe(404);
    expect((await suite.request('GET', '/traces?tags=x')).status).toBe(400);
  });

  it('of 10,000 spans, handed over at once, are opened page by page', async () => {
    const traceId = 'abcdef0123456789abcdef0123456789';
    const startMs = Date.now();
    const spans = Array.from({ length: 10_000 }, (_, at) => ({
      traceId,
      spanId: (at + 1).toString(16).padStart(16, '0'),
      ...(at > 0 && {
        parentSpanId: Math.ceil(at / 4)
          .toString(16)
          .padStart(16, '0'),
      }),
      name: `step ${at % 20}`,
      kind: 1,
      startTimeUnixNano: `${startMs}${String(at).padStart(6, '0')}`,
      endTimeUnixNano: `${startMs + 1_000}000000`,
      attributes: [{ key: 'step', value: { intValue: at } }],
    }));
    const body = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] });
    const headers = { 'content-type': 'application/json' };
    // A busy machine may ask for them again, as it would any exporter.
    await eventually(
      () => fetch(`${otlp()}/v1/traces`, { method: 'POST', headers, body }),
      async (answer) => expect([answer.status, await answer.text()]).toEqual([200, '{}']),
      90_000,
    );
    const seen = new Set<string>();
    let cursor = '';
    do {
      const page = await eventually(
        () => suite.get<Opened>(`/traces/${traceId}?limit=10000${cursor}`),
        ({ trace }) =>
          expect(trace).toMatchObject({ span_count: 10_000, total_duration_ms: 1_000 }),
      );
      for (const { span_id } of page.spans) seen.add(span_id);
      cursor = page.next_cursor === undefined ? '' : `&cursor=${page.next_cursor}`;
    } while (cursor !== '');
    expect(seen.size).toBe(10_000);
  });

  it('are the same after a rebuild', async () => {
    const read_model = 'observability.traces';
    await eventually(
      () => suite.request('POST', '/audit/verify', { read_model }, {}, 60_000),
      (verified) =>
        expect(verified).toMatchObject({ status: 200, body: { read_model: { is_equal: true } } }),
      60_000,
    );
  });
});
