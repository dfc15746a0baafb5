import { execFile } from 'node:child_process';
import { request as httpRequest } from 'node:http';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { LogDatabase } from '@downbeat/event-store/testing';
import { ObservabilityModule } from '@downbeat/observability-service';
import { startService } from '@downbeat/service-host';
import { eventually, TestBench } from '@downbeat/test-bench';
import { connect } from 'nats';
import { NatsWithRights } from './support/nats-with-rights';

const run = promisify(execFile);
const EXPORTER = join(__dirname, 'support', 'span-exporter.mjs');

interface Trace {
  readonly trace: object;
  readonly spans: readonly object[];
  readonly service_map: readonly object[];
}

/** A span as OTLP's JSON has it. */
const span = (more: object = {}): object => ({
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  name: 'GET /',
  kind: 2,
  startTimeUnixNano: `${Date.now()}000000`,
  endTimeUnixNano: `${Date.now()}900000`,
  ...more,
});
const request = (...spans: readonly object[]): string =>
  JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] });

/** 500,000 spans that say nothing, in 1 MB of protobuf. */
const EMPTY_SPANS = Buffer.concat([
  Buffer.from([0x0a, 0xc4, 0x84, 0x3d, 0x12, 0xc0, 0x84, 0x3d]),
  Buffer.alloc(1_000_000, Buffer.from([0x12, 0])),
]);

const EMPTY_SPANS_IN_JSON = `{"resourceSpans":[{"scopeSpans":[{"spans":[${'{},'.repeat(500_000)}{}]}]}]}`;

describe('spans over OTLP', () => {
  let bench: TestBench;
  beforeAll(async () => {
    bench = await TestBench.start({
      services: [{ name: 'health', module: ObservabilityModule }],
    });
  });
  afterAll(() => bench.stop());

  const post = (body: string | Buffer, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${bench.urlOf('health')}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });
  /** @returns The status. */
  const postFrom = (localAddress: string, body: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      const url = `${bench.urlOf('health')}/v1/traces`;
      httpRequest(url, { method: 'POST', headers, localAddress }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      })
        .on('error', reject)
        .end(body);
    });
  const recorded = (): Promise<readonly { count: number }[]> =>
    bench.rows<{ count: number }>('select count(*)::int as count from log.event', []);
  const open = (trace_id: string): Promise<Trace> =>
    bench.answer<Trace>('query.observability.get-trace', { trace_id });

  it.each(['protobuf', 'json'])(
    "of OpenTelemetry's own exporter show up as a trace: %s",
    async (form) => {
      const { stdout } = await run(process.execPath, [EXPORTER, form, bench.urlOf('health')]);
      const { trace_id } = JSON.parse(stdout) as { trace_id: string };
      // The exporter has had its answer: what it sent is in the log.
      const found = await bench.eventually(
        () => open(trace_id),
        ({ spans }) => expect(spans).toHaveLength(3),
      );
      expect(found).toMatchObject({
        trace: {
          trace_id,
          span_count: 3,
          root_operation: 'POST /orders',
          root_service: `shop-${form}`,
          status: 'error',
          error_message: 'no money',
        },
        spans: [
          {
            operation_name: 'POST /orders',
            span_kind: 'server',
            tags: {
              'http.response.status_code': '201',
              'shop.items': '["ring","cake"]',
              'otel.scope.name': 'span-exporter',
            },
          },
          { operation_name: 'POST', span_kind: 'client' },
          {
            service_name: `billing-${form}`,
            status_code: 'error',
            logs: [{ level: 'error', message: 'no money' }],
            links: [{ trace_id }],
          },
        ],
        service_map: [
          { source_service: `shop-${form}`, target_service: `billing-${form}`, error_count: 1 },
        ],
      });
    },
  );

  it('are kept once, also when an exporter sends them again', async () => {
    const body = request(span({ spanId: 'aaaaaaaaaaaaaaaa' }));
    const before = await recorded();
    const answers = [await post(body), await post(gzipSync(body), { 'content-encoding': 'gzip' })];
    for (const answer of answers) {
      expect(answer.status).toBe(200);
      expect(await answer.json()).toEqual({});
    }
    expect((await recorded())[0]?.count).toBe((before[0]?.count ?? 0) + 1);
  });

  it('of which some are wrong: the others are kept, and the first wrong one is named', async () => {
    const spans = [
      span({ spanId: 'bbbbbbbbbbbbbbbb' }),
      span({ traceId: 'x' }),
      span({ spanId: '' }),
    ];
    const answer = await post(request(...spans));
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({
      partialSuccess: {
        rejectedSpans: '2',
        errorMessage: 'resourceSpans.0.spans.1.traceId must be 16 bytes, not all of them 0',
      },
    });
  });

  it.each<[string, string | Buffer, Record<string, string>, number, RegExp]>([
    ['no JSON', '{', {}, 400, /is not JSON/],
    ['another JSON', '{"resourceSpans":7}', {}, 400, /resourceSpans/],
    ['no protobuf', 'hello', { 'content-type': 'application/x-protobuf' }, 400, /not protobuf/],
    ['another type', 'x', { 'content-type': 'text/plain' }, 415, /Content-Type/],
    ['another packing', 'x', { 'content-encoding': 'br' }, 415, /Content-Encoding/],
    ['no gzip', 'x', { 'content-encoding': 'gzip' }, 400, /gzip/],
    ['too much', Buffer.alloc(5 * 2 ** 20, ' '), {}, 413, /larger than 4 MiB/],
    ...(['application/x-protobuf', 'application/json'] as const).map(
      (type): [string, Buffer, Record<string, string>, number, RegExp] => [
        `a million spans in a few bytes, ${type}`,
        gzipSync(type === 'application/json' ? EMPTY_SPANS_IN_JSON : EMPTY_SPANS),
        { 'content-encoding': 'gzip', 'content-type': type },
        413,
        /more than 20000 spans/,
      ],
    ),
    [
      'too much, well packed',
      gzipSync(Buffer.alloc(20 * 2 ** 20, ' ')),
      { 'content-encoding': 'gzip' },
      413,
      /larger than 4 MiB unpacked/,
    ],
  ])(
    'are refused with what is wrong, and nothing is kept: %s',
    async (_, body, headers, status, why) => {
      const before = await recorded();
      const answer = await post(body, headers);
      expect(answer.status).toBe(status);
      expect(await answer.text()).toMatch(why);
      expect(await recorded()).toEqual(before);
      expect((await post(request())).status).toBe(200);
    },
  );

  it('come in from elsewhere while as many as there are places are slow, who are told so', async () => {
    const { hostname, port } = new URL(bench.urlOf('health'));
    const slow = Array.from({ length: 128 }, () => {
      const socket = createConnection({ host: hostname, port: Number(port) });
      let heard = '';
      socket.on('data', (bytes: Buffer) => (heard += bytes.toString()));
      socket.on('error', (fault) => (heard += fault.message));
      socket.write(
        'POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n' +
          'Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n',
      );
      return { socket, heard: () => heard };
    });
    const answered = (how: string) => slow.filter(({ heard }) => heard().includes(how)).length;
    try {
      // The server has begun with each of them.
      for (const { heard } of slow)
        await eventually(heard, (said) => expect(said).toContain('100 Continue'));
      const other = await postFrom('127.0.0.2', request(span({ spanId: 'dddddddddddddddd' })));
      expect(other).toBe(200);
      await eventually(
        () => answered('Retry-After: 1'),
        (count) => expect(count).toBe(128),
      );
      // Half of the places on a machine that is in time.
      expect(answered(' 429 ')).toBeGreaterThan(0);
      // An exporter gives up what is answered with 408, and who was slow may have been the suite.
      expect(answered(' 429 ') + answered(' 503 ')).toBe(128);
    } finally {
      for (const { socket } of slow) socket.destroy();
    }
  });

  it('are asked for again while nothing can be kept', async () => {
    await bench.databaseGate.shut();
    try {
      const answer = await post(request(span({ spanId: 'cccccccccccccccc' })));
      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).toBe('5');
      expect(await answer.json()).toMatchObject({ code: 14 });
    } finally {
      await bench.databaseGate.open();
    }
  });
});

it('spans over OTLP need no rights on NATS but those that are deployed', async () => {
  const nats = await NatsWithRights.start();
  const database = await LogDatabase.create('otlp');
  const service = await startService(
    { name: 'health', module: ObservabilityModule },
    {
      NATS_URL: nats.urlOf('health'),
      DATABASE_URL_OBSERVABILITY: database.urlOf('observability'),
      LOG_LEVEL: 'error',
      PORT: '0',
    },
  );
  try {
    const answer = await fetch(`${service.url}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: request(span()),
    });
    expect({ status: answer.status, body: await answer.text() }).toEqual({
      status: 200,
      body: '{}',
    });
    const { host, username, password } = new URL(nats.urlOf('gateway'));
    const edge = await connect({
      servers: host,
      ...{ user: username, pass: password, inboxPrefix: '_INBOX.gateway' },
    });
    await eventually(
      async () => {
        const list = await edge.request('query.observability.list-traces', '{}', {
          timeout: 10_000,
        });
        return list.json<{ data: { traces: readonly object[] } }>().data.traces;
      },
      (traces) => expect(traces).toHaveLength(1),
    );
    await edge.close();
    expect(nats.violations).toEqual([]);
  } finally {
    await service.stop();
    await nats.stop();
    await database.drop();
  }
});
