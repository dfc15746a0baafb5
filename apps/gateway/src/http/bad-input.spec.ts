import { request } from 'node:http';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { eventually } from '@downbeat/local-servers/testing';
import { GatewayBench } from '../testing/gateway-bench';

const service = {
  service_name: 'billing',
  service_version: '1.4.0',
  service_type: 'api',
  deployment_environment: 'production',
  dependencies: [] as unknown,
};
const api = '/api/orchestration';
const services = `${api}/services`;
const runId = '0198c2a4-7d1e-5c3b-9a52-3f1f0a9f3c11';
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

type Case = readonly [
  what: string,
  method: string,
  path: string,
  body: unknown,
  status: number,
  field: string,
  headers?: Record<string, string>,
];

const yaml = { 'Content-Type': 'application/yaml' };
const definitions = `${api}/workflow-definitions`;

const SPAN = {
  trace_id: '0af7651916cd43dd8448eb211c80319c',
  span_id: 'b7ad6b7169203331',
  operation_name: 'x',
  span_kind: 'server',
  start_us: 1,
  duration_us: 1,
  tags: { a: '1' },
};

const CASES: readonly Case[] = [
  ['malformed JSON', 'POST', services, '{"service_name": "billing"', 400, ''],
  ['JSON that is no object', 'POST', services, '[1]', 400, ''],
  ['a number for a name', 'POST', services, { ...service, service_name: 7 }, 400, 'service_name'],
  [
    'text for a list',
    'POST',
    services,
    { ...service, dependencies: 'ledger' },
    400,
    'dependencies',
  ],
  [
    'a wrong element',
    'POST',
    services,
    { ...service, dependencies: ['ok', 1] },
    400,
    'dependencies.1',
  ],
  [
    'a missing field',
    'POST',
    services,
    { ...service, service_type: undefined },
    400,
    'service_type',
  ],
  ['an unknown field', 'POST', services, { ...service, colour: 'red' }, 400, 'colour'],
  ['a field in a body and the URL', 'POST', `${services}?colour=red`, service, 400, 'colour'],
  ['__proto__', 'POST', services, '{"__proto__": {"admin": true}}', 400, '__proto__'],
  [
    'a nested __proto__',
    'POST',
    `${api}/workflows`,
    '{"context_data": {"a": {"__proto__": 1}}}',
    400,
    'context_data.a.__proto__',
  ],
  ['constructor', 'POST', services, '{"constructor": {"prototype": {}}}', 400, 'constructor'],
  ['2 MB', 'POST', services, { ...service, service_description: 'x'.repeat(2_000_000) }, 413, ''],
  ['20 MB', 'POST', services, ' '.repeat(20_000_000), 413, ''],
  [
    '33 levels',
    'POST',
    services,
    `{"dependencies": ${nested(33)}}`,
    400,
    `dependencies${'.0'.repeat(31)}`,
  ],
  [
    '10,001 keys',
    'POST',
    services,
    `{${Array.from({ length: 10_001 }, (_, at) => `"k${at}":1`).join()}}`,
    400,
    '',
  ],
  [
    // What is wrong is the span: a batch of them may have more keys than other bodies.
    'a batch of 20,000 keys',
    'POST',
    `${api}/traces/batches/b`,
    { resources: [{ service_name: 'shop', spans: Array(2_500).fill(SPAN) }] },
    400,
    'resources.0.spans',
  ],
  [
    'a batch of 100,001 keys',
    'POST',
    `${api}/traces/batches/b`,
    { resources: Array(100_001).fill(0) },
    400,
    '',
  ],
  [
    'SQL in a name',
    'POST',
    services,
    { ...service, service_name: "x'; drop table event; --" },
    400,
    'service_name',
  ],
  [
    'CRLF in a name',
    'POST',
    services,
    { ...service, service_name: 'a\r\nX-Admin: 1' },
    400,
    'service_name',
  ],
  [
    'CRLF in a description',
    'POST',
    services,
    { ...service, service_description: 'a\r\nb' },
    400,
    'service_description',
  ],
  [
    'a wildcard in an id',
    'POST',
    `${api}/workflows`,
    { workflow_name: 'a', initiating_service: 'b', context_data: {}, correlation_id: 'a.>' },
    400,
    'correlation_id',
  ],
  ['CRLF in the path', 'GET', `${services}/a%0d%0ab`, undefined, 400, 'service_id'],
  ['SQL in the path', 'GET', `${services}/x'%20or%201=1`, undefined, 400, 'service_id'],
  ['a path that does not decode', 'GET', `${services}/%ff`, undefined, 400, 'path'],
  [
    'a path that contradicts the body',
    'PUT',
    `${services}/billing`,
    { service_id: 'other' },
    400,
    'service_id',
  ],
  [
    'an id that is none',
    'POST',
    `${api}/workflows/42/retry`,
    { retry_strategy: 'failed_steps' },
    400,
    'workflow_id',
  ],
  [
    'a value outside its list',
    'POST',
    `${api}/workflows/${runId}/retry`,
    { retry_strategy: 'pray' },
    400,
    'retry_strategy',
  ],
  ['a parameter given twice', 'GET', `${services}?limit=1&limit=2`, undefined, 400, 'limit'],
  ['an unknown parameter', 'GET', `${services}?colour=red`, undefined, 400, 'colour'],
  ['__proto__ as a parameter', 'GET', `${services}?__proto__=1`, undefined, 400, '__proto__'],
  ['text for a number', 'GET', `${services}?limit=many`, undefined, 400, 'limit'],
  ['a page too large', 'GET', `${services}?limit=1000000`, undefined, 400, 'limit'],
  ['a moment that is none', 'GET', `${services}?at=yesterday`, undefined, 400, 'at'],
  ['a position that is none', 'GET', `${services}?min_position=-1`, undefined, 400, 'min_position'],
  [
    'the same under its other name',
    'GET',
    `${services}?minPosition=a`,
    undefined,
    400,
    'minPosition',
  ],
  [
    'two positions to wait for',
    'GET',
    `${services}?minPosition=1&min_position=2`,
    undefined,
    400,
    'minPosition',
  ],
  ['a moment between two positions', 'GET', `${services}?at=1.5`, undefined, 400, 'at'],
  [
    'a page beyond all numbers',
    'GET',
    `${services}?limit=${'9'.repeat(20)}`,
    undefined,
    400,
    'limit',
  ],
  ['neither of two', 'GET', `${api}/discovery/instances`, undefined, 400, 'service_name'],
  [
    'an unknown parameter of DELETE',
    'DELETE',
    `${services}/billing/instances/one?force=1`,
    undefined,
    400,
    'force',
  ],
  ['a body of DELETE', 'DELETE', `${services}/billing/instances/one`, { reason: 'x' }, 400, ''],
  [
    'a form',
    'POST',
    services,
    'service_name=billing',
    415,
    'Content-Type',
    { 'Content-Type': 'application/x-www-form-urlencoded' },
  ],
  [
    'another charset',
    'POST',
    services,
    service,
    415,
    'Content-Type',
    { 'Content-Type': 'application/json; charset=latin1' },
  ],
  [
    'a compressed body',
    'POST',
    services,
    service,
    415,
    'Content-Encoding',
    { 'Content-Encoding': 'gzip' },
  ],
  ['a body without a type', 'POST', services, service, 415, 'Content-Type', { 'Content-Type': '' }],
  ['a key given twice', 'POST', services, '{"a": {"b": 1, "b": 2}}', 400, 'a.b'],
  ['a number that is none', 'POST', services, '{"a": 1e999}', 400, 'a'],
  [
    'a password in a URL',
    'POST',
    services,
    { ...service, base_url: 'http://u:p@x' },
    400,
    'base_url',
  ],
  ['a line separator', 'POST', services, { ...service, owner_team: 'a\u2028b' }, 400, 'owner_team'],
  [
    'a turned direction',
    'POST',
    services,
    { ...service, owner_team: 'a\u202eb' },
    400,
    'owner_team',
  ],
  [
    'YAML where it is not taken',
    'POST',
    services,
    'service_name: billing',
    415,
    'Content-Type',
    yaml,
  ],
  ['malformed YAML', 'POST', definitions, 'name: [', 400, '', yaml],
  ['__proto__ in YAML', 'POST', definitions, 'name: a\n__proto__: {x: 1}', 400, '__proto__', yaml],
  [
    'a YAML alias bomb',
    'POST',
    definitions,
    'a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c]',
    400,
    '',
    yaml,
  ],
  [
    'unknown fields in YAML',
    'POST',
    definitions,
    'name: a\ncolour: red\nsteps: [{name: w, type: delay, delay_seconds: 1}]',
    400,
    'colour',
    yaml,
  ],
  ['a URL too long', 'GET', `${services}?cursor=${'x'.repeat(9_000)}`, undefined, 414, 'url'],
  ['an unknown filter of the stream', 'GET', `${api}/stream?colour=red`, undefined, 400, 'colour'],
  [
    'a position of the stream that is none',
    'GET',
    `${api}/stream?after=-1`,
    undefined,
    400,
    'after',
  ],
  [
    'an event id that is none',
    'GET',
    `${api}/stream`,
    undefined,
    400,
    'Last-Event-ID',
    { 'Last-Event-ID': 'abc' },
  ],
];

describe('bad input', () => {
  let bench: GatewayBench;
  beforeAll(async () => {
    bench = await GatewayBench.start();
  });
  afterAll(() => bench.stop());

  it.each(CASES.map((one) => [one[0], one] as const))('%s is refused', async (_, one) => {
    const [, method, path, body, status, field, headers] = one;
    const response =
      body === undefined
        ? await bench.fetch(path, { method, ...(headers && { headers }) })
        : await bench.send(method, path, body, headers);
    const text = await response.text();
    const problem = JSON.parse(text) as { status: number; errors?: { field: string }[] };

    expect(response.headers.get('Content-Type')).toBe('application/problem+json');
    expect([response.status, problem.status]).toEqual([status, status]);
    const fields = problem.errors?.map((error) => error.field) ?? [];
    expect(fields).toContain(field);
    expect(new Set(fields).size).toBe(fields.length);
    expect(text).not.toMatch(/\bat .*\.(ts|js):\d+/);
    expect(text.length).toBeLessThan(4_000);
    expect(bench.bus.isUntouched).toBe(true);
    expect(bench.logged).toBe('');
  });

  it('does not come back in full when it is long', async () => {
    const response = await bench.send('POST', services, { ['x'.repeat(500_000)]: 1 });
    expect([response.status, (await response.text()).length < 4_000]).toEqual([400, true]);
  });

  it('names at most twenty fields', async () => {
    const body = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`k${at}`, 1]));
    const problem = (await (await bench.send('POST', services, body)).json()) as { errors: [] };
    expect(problem.errors).toHaveLength(20);
  });

  it('in the bytes of UTF-8 is refused', async () => {
    const response = await bench.fetch(services, {
      method: 'POST',
      body: Buffer.concat([
        Buffer.from('{"service_name": "'),
        Buffer.from([0xff]),
        Buffer.from('"}'),
      ]),
      headers: { 'Content-Type': 'application/json' },
    });
    expect(await response.json()).toMatchObject({
      status: 400,
      detail: 'the body is not UTF-8',
      errors: [{ field: '', message: 'is not UTF-8' }],
    });
  });

  it('that is compressed is refused for that, not for its bytes', async () => {
    const response = await bench.fetch(services, {
      method: 'POST',
      body: gzipSync(JSON.stringify(service)),
      headers: { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' },
    });
    expect(await response.json()).toMatchObject({
      status: 415,
      errors: [{ field: 'Content-Encoding' }],
    });
  });

  it('is told that a missing field is required', async () => {
    const response = await bench.send('POST', services, { ...service, service_type: undefined });
    expect(await response.json()).toMatchObject({
      detail: 'service_type is required',
      errors: [{ field: 'service_type', message: 'is required' }],
    });
  });

  it.each(['1.5', 'yesterday', '-1'])('of a moment is told what one is: at=%s', async (at) => {
    const response = await bench.fetch(`${services}?at=${at}`);
    expect(await response.json()).toMatchObject({
      errors: [{ field: 'at', message: expect.stringMatching(/position.* or an ISO 8601/) }],
    });
  });

  it('in more than 100 headers is refused', async () => {
    const headers = Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`x-h${at}`, '1']));
    const response = await bench.fetch(services, { headers });
    expect(await response.json()).toMatchObject({
      status: 431,
      code: 'headers-too-large',
      errors: [{ field: 'headers' }],
    });
    expect(bench.bus.isUntouched).toBe(true);
  });

  it.each([
    [
      'headers of 20 KiB',
      `GET ${services} HTTP/1.1\r\nHost: a\r\nX-Big: ${'x'.repeat(20_480)}\r\n\r\n`,
      431,
      'headers',
    ],
    ['something that is not HTTP', 'HELLO\r\n\r\n', 400, 'request'],
    ['a broken header', `GET ${services} HTTP/1.1\r\nHost: a\r\nX Y: 1\r\n\r\n`, 400, 'headers'],
    ['no host', `GET ${services} HTTP/1.1\r\nConnection: close\r\n\r\n`, 400, 'Host'],
    [
      'two hosts',
      `GET ${services} HTTP/1.1\r\nHost: a\r\nhost: a\r\nConnection: close\r\n\r\n`,
      400,
      'Host',
    ],
    [
      'two lengths',
      `POST ${services} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n`,
      400,
      'Content-Length',
    ],
    [
      'length and chunks',
      `POST ${services} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
      400,
      'Transfer-Encoding',
    ],
  ])('%s is answered before it becomes a request', async (_, text, status, field) => {
    const answer = await raw(bench.port, text);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toContain('application/problem+json');
    const problem = JSON.parse(answer.slice(answer.indexOf('{'))) as object;
    expect(problem).toMatchObject({ status, errors: [{ field }] });
    expect(bench.bus.isUntouched).toBe(true);
  });

  it('is nothing that HTTP/1.0 says without a host', async () => {
    const answer = await raw(bench.port, 'GET /openapi.json HTTP/1.0\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1.1 200 /);
  });

  it('that never ends leaves no trace when its sender goes away', async () => {
    const before = await closedRequests(bench);
    const outgoing = request(bench.url(services), {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'Content-Length': '1000',
        Expect: '100-continue',
      },
    });
    outgoing.on('error', () => undefined).flushHeaders();
    await new Promise((resolve) => outgoing.once('continue', resolve));
    outgoing.write('{"service_name"');
    outgoing.destroy();
    await eventually(async () => expect(await closedRequests(bench)).toBe(before + 1));
    expect(bench.bus.isUntouched).toBe(true);
    expect(bench.logged).toBe('');
  });
});

async function closedRequests(bench: GatewayBench): Promise<number> {
  const posted = (await bench.metrics()).matchAll(/^http_requests_total{method="POST".*} (\d+)$/gm);
  return [...posted].reduce((sum, [, count]) => sum + Number(count), 0);
}

/** Sends bytes as they are; the whole answer until the server closes. */
const raw = (port: number, text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    let answer = '';
    connect(port, '127.0.0.1')
      .setEncoding('utf8')
      .on('data', (chunk: string) => (answer += chunk))
      .on('error', reject)
      .on('close', () => resolve(answer))
      .end(text);
  });
