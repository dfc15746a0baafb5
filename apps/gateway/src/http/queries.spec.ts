import { NoAnswer } from '@downbeat/message-bus';
import { GatewayBench } from '../testing/gateway-bench';

const services = '/api/orchestration/services';

describe('a query over HTTP', () => {
  let bench: GatewayBench;
  beforeAll(async () => {
    bench = await GatewayBench.start();
  });
  beforeEach(() => bench.forget());
  afterAll(() => bench.stop());

  const answerWith = (data: unknown, position = 42) => {
    bench.bus.onQuery = () => ({ ok: true, position, data });
  };

  it('asks with its parameters, numbers as numbers, and defaults', async () => {
    await bench.fetch(`${services}?environment=production&limit=5`);
    expect(bench.bus.queries[0]?.body).toEqual({
      input: { environment: 'production', limit: 5, is_active: true },
    });
  });

  it.each([
    ['at=17', { at: 17 }],
    ['at=2026-03-01T09:30:00.000Z', { at: '2026-03-01T09:30:00.000Z' }],
    ['min_position=9', { min_position: 9 }],
    ['minPosition=9&at=0', { min_position: 9, at: 0 }],
  ])('asks about another moment with ?%s', async (parameters, as) => {
    await bench.fetch(`${services}?${parameters}`);
    expect(bench.bus.queries[0]?.body).toEqual({ input: { limit: 50, is_active: true }, ...as });
  });

  it('with a body takes the moment from the URL', async () => {
    await bench.send('POST', '/api/orchestration/audit/replay?at=5', { stream: 'service-billing' });
    expect(bench.bus.queries[0]?.body).toEqual({ input: { stream: 'service-billing' }, at: 5 });
  });

  it.each([
    ['at=3..9', [{ at: 3 }, { at: 9 }]],
    ['at=3..', [{ at: 3 }, {}, { at: 42 }]],
    ['at=3..&min_position=12', [{ at: 3 }, { min_position: 12 }, { at: 42 }]],
    [
      'at=2026-03-01T09:30:00Z..2026-03-01T09:31:00Z',
      [{ at: '2026-03-01T09:30:00Z' }, { at: '2026-03-01T09:31:00Z' }],
    ],
  ])('asks about both moments of ?%s', async (parameters, both) => {
    await bench.fetch(`${services}?${parameters}`);
    const input = { limit: 50, is_active: true };
    expect(bench.bus.queries.map(({ body }) => body)).toEqual(both.map((as) => ({ input, ...as })));
  });

  const answerAt = (answers: Readonly<Record<number, unknown>>, position = (at: number) => at) => {
    bench.bus.onQuery = ({ body }) => {
      const at = Number(body['at'] ?? 9);
      return answers[at] === undefined
        ? { ok: false, problem: { code: 'absent', message: 'absent', kind: 'not-found' } }
        : { ok: true, position: position(at), data: answers[at] };
    };
  };

  it('about two moments answers what became different', async () => {
    answerAt({
      3: { services: [{ service_id: 'a' }], next_cursor: 'y' },
      9: { services: [{ service_id: 'b' }, { service_id: 'a' }], next_cursor: 'x' },
    });
    const response = await bench.fetch(`${services}?at=3..`);
    expect(await response.json()).toEqual({
      ...{ from_position: 3, to_position: 9, is_equal: false, is_cut: false, is_page: true },
      changes: [
        {
          kind: 'added',
          path: '/services/0',
          item: { service_id: 'b' },
          after: { service_id: 'b' },
        },
      ],
    });
    expect(response.headers.get('X-Read-Position')).toBe('9');
    expect(response.headers.get('Content-Type')).toMatch(/^application\/vnd.downbeat.difference/);
  });

  it('about something that came, went or never was', async () => {
    const difference = async (range: string) =>
      (await bench.fetch(`${services}/billing?at=${range}`)).json();
    answerAt({ 9: { a: 1 } });
    expect(await difference('3..9')).toMatchObject({
      changes: [{ kind: 'added', path: '', after: { a: 1 } }],
    });
    answerAt({ 3: { a: 1 } });
    expect(await difference('3..9')).toMatchObject({
      changes: [{ kind: 'removed', path: '', before: { a: 1 } }],
    });
    answerAt({});
    expect(await difference('3..9')).toMatchObject({ status: 404 });
  });

  it.each([
    '9..3',
    '3..soon',
    '..3',
    '..',
    '3..4..5',
    '2026-03-01T09:31:00Z..2026-03-01T09:30:00Z',
  ])('refuses ?at=%s and asks nothing', async (range) => {
    const response = await bench.fetch(`${services}?at=${range}`);
    expect(await response.json()).toMatchObject({ status: 400, errors: [{ field: 'at' }] });
    expect(bench.bus.isUntouched).toBe(true);
  });

  it('refuses moments that only turn out to be in the wrong order', async () => {
    answerAt({ 3: {}, 9: {} }, (at) => (at === 3 ? 30 : 9));
    const response = await bench.fetch(`${services}?at=3..9`);
    expect(await response.json()).toMatchObject({ status: 400, errors: [{ field: 'at' }] });
  });

  it('answers the data alone, and in headers up to where it is true', async () => {
    answerWith({ services: [] }, 7);
    const response = await bench.fetch(services);
    expect(await response.json()).toEqual({ services: [] });
    expect(response.headers.get('X-Read-Position')).toBe('7');
    expect(response.headers.get('ETag')).toMatch(/^W\/"[\w-]{22}"$/);
  });

  it('answers 304 as long as the body is the same, and no longer', async () => {
    answerWith({ services: ['a'] }, 7);
    const tag = (await bench.fetch(services)).headers.get('ETag') ?? '';
    const again = () => bench.fetch(services, { headers: { 'If-None-Match': `"x", ${tag}` } });

    answerWith({ services: ['a'] }, 8);
    const same = await again();
    expect([same.status, await same.text()]).toEqual([304, '']);
    expect(same.headers.get('X-Read-Position')).toBe('8');

    answerWith({ services: ['a', 'b'] }, 9);
    const other = await again();
    expect(other.status).toBe(200);
    expect(other.headers.get('ETag')).not.toBe(tag);
  });

  it('that its context does not answer is unavailable for the moment', async () => {
    bench.bus.onQuery = ({ subject }) => {
      throw new NoAnswer(subject, 'nobody-answers');
    };
    const response = await bench.fetch(services);
    expect(response.headers.get('Retry-After')).toBe('1');
    expect(await response.json()).toMatchObject({ status: 503, code: 'message-bus/no-answer' });
  });

  it('about something unknown answers 404', async () => {
    bench.bus.onQuery = () => ({
      ok: false,
      problem: { code: 'service-unknown', message: 'there is no billing', kind: 'not-found' },
    });
    const response = await bench.fetch(`${services}/billing`);
    expect(await response.json()).toMatchObject({ status: 404, detail: 'there is no billing' });
  });
});

describe('the status of the suite', () => {
  let bench: GatewayBench;
  beforeAll(async () => {
    bench = await GatewayBench.start();
  });
  beforeEach(() => bench.forget());
  afterAll(() => bench.stop());

  it.each(['/orchestration/status', '/api/orchestration/status'])(
    'at %s shows who answers and how far behind it is',
    async (path) => {
      bench.bus.onQuery = ({ subject }) => {
        if (subject === 'query.audit.status') throw new NoAnswer(subject, 'timed-out');
        const position = subject === 'query.saga.status' ? 40 : 42;
        return { ok: true, position, data: { version: '0.1.0' } };
      };
      const response = await bench.fetch(path);
      expect(await response.json()).toMatchObject({
        status: 'degraded',
        position: 42,
        contexts: expect.arrayContaining([
          { context: 'saga', answers: true, position: 40, lag: 2, data: { version: '0.1.0' } },
          { context: 'audit', answers: false, reason: 'message-bus/no-answer' },
        ]) as unknown,
      });
    },
  );
});
