import { jsonBytes, observabilityContract, validate } from '@downbeat/contracts';
import type { JsonObject } from '@downbeat/eventsourcing';
import fc from 'fast-check';
import { fitSpan } from './fit-span';
import type { HandedAttribute, HandedSpan } from './handed-over';
import { spanBatches } from './span-batches';
import { T0_US, TRACE_ID } from './testing/some-span';

const { recordSpans, span: kept } = observabilityContract;

const handed = (more: Partial<HandedSpan> = {}): HandedSpan => ({
  traceId: TRACE_ID,
  spanId: 'b7ad6b7169203331',
  parentSpanId: '',
  name: 'POST /orders',
  kind: 2,
  startNs: BigInt(T0_US) * 1_000n + 999n,
  endNs: BigInt(T0_US) * 1_000n + 12_345n,
  attributes: [],
  events: [],
  links: [],
  statusCode: 0,
  statusMessage: '',
  ...more,
});
const fitted = (more: Partial<HandedSpan>) => fitSpan(handed(more), T0_US);
const failed = (...attributes: HandedAttribute[]) => ({ statusCode: 2, attributes });

describe('a span that was handed over', () => {
  it('is kept in microseconds', () =>
    expect(fitted({})).toEqual({
      trace_id: TRACE_ID,
      span_id: 'b7ad6b7169203331',
      operation_name: 'POST /orders',
      span_kind: 'server',
      start_us: T0_US,
      duration_us: 11,
    }));

  it.each([
    ['traceId', { traceId: TRACE_ID.slice(2) }],
    ['traceId', { traceId: '0'.repeat(32) }],
    ['spanId', { spanId: 'xyzxyzxyzxyzxyzx' }],
    ['parentSpanId', { parentSpanId: 'ab' }],
    ['endTimeUnixNano', { endNs: 0n }],
    ['startTimeUnixNano', { startNs: 0n }],
    ['endTimeUnixNano', { endNs: 2n ** 63n }],
  ])('is not taken when its %s is wrong', (field, more) =>
    expect(fitted(more)).toMatchObject({ field }),
  );

  it.each([
    ['error', failed()],
    ['timeout', failed(['http.response.status_code', '504'])],
    ['timeout', failed(['error.type', 'ETIMEDOUT'])],
    ['timeout', failed(['rpc.grpc.status_code', '4'])],
    ['error', failed(['http.response.status_code', '500'])],
    [undefined, { ...failed(['error.type', 'timeout']), statusCode: 0 }],
  ])('ended with %s', (status_code, more) =>
    expect((fitted(more) as { status_code?: string }).status_code).toBe(status_code),
  );

  it('may say that it has no parent with zeros', () =>
    expect(fitted({ parentSpanId: '0'.repeat(16) })).not.toHaveProperty('parent_span_id'));

  const text = fc.string({ unit: 'binary', maxLength: 300 });
  const half = fc.constantFrom('\ud800', 'a\udc00', 'x\0y', '__proto__', 'constructor', '');
  const anyText = fc.oneof(text, half);
  const anyTime = fc.oneof(
    fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }),
    fc.bigInt({ min: BigInt(T0_US) * 1_000n, max: BigInt(T0_US) * 1_000n + 99_999n }),
  );
  const anySpan = fc.record({
    parentSpanId: fc.constantFrom('', '0'.repeat(16), 'B7AD6B7169203332', 'x'),
    name: anyText,
    kind: fc.integer(),
    startNs: anyTime,
    endNs: anyTime,
    attributes: fc.array(fc.tuple(anyText, anyText), { maxLength: 5 }),
    events: fc.array(
      fc.record({
        timeNs: anyTime,
        name: anyText,
        attributes: fc.array(fc.tuple(anyText, anyText), { maxLength: 3 }),
      }),
      { maxLength: 3 },
    ),
    links: fc.array(
      fc.record({
        traceId: fc.constantFrom('', TRACE_ID, TRACE_ID.toUpperCase()),
        spanId: fc.constantFrom('', 'b7ad6b7169203331'),
      }),
      { maxLength: 3 },
    ),
    statusCode: fc.integer({ min: -1, max: 3 }),
    statusMessage: anyText,
  });
  it('is taken by the command whenever it is let through', () =>
    fc.assert(
      fc.property(anySpan, (more) => {
        const span = fitted(more);
        if ('field' in span) return;
        const resources = [{ service_name: 'shop', spans: [span] }];
        expect(validate(recordSpans.data, { batch_id: 'b', resources })).toEqual({
          value: { batch_id: 'b', resources },
        });
      }),
      { numRuns: 500 },
    ));

  it.each([
    ['authorization', 'Bearer x', '[redacted]'],
    ['http.request.header.authorization', '["Bearer x"]', '[redacted]'],
    ['http.request.header.set-cookie', 'a=b', '[redacted]'],
    ['http.request.header.Cookie', 'a=b', '[redacted]'],
    ['db.password', 'x', '[redacted]'],
    ['user.passwd', 'x', '[redacted]'],
    ['access_token', 'x', '[redacted]'],
    ['client.secret', 'x', '[redacted]'],
    ['x-api-key', 'x', '[redacted]'],
    ['api_key', 'x', '[redacted]'],
    ['token.count', '7', '7'],
    ['url.full', 'https://ann:pw@shop.example/a?key=1#b', 'https://shop.example/a'],
    ['http.url', '/orders?token=1', '/orders'],
    ['db.connection_string', 'postgres://u:p@h:5432/db?sslmode=x', 'postgres://h:5432/db'],
    ['db.connection_string', 'postgres://u:p@ss/w@h/db', 'postgres://h/db'],
    ['db.connection_string', 'Server=h;User Id=u;Password=p', '[redacted]'],
    ['url.path', '/a', '/a'],
  ])('keeps nothing that is secret: %s %s', (name, value, kept) => {
    const attributes: HandedAttribute[] = [[name, value]];
    expect(fitted({ attributes, events: [{ timeNs: 1n, name: 'e', attributes }] })).toMatchObject({
      tags: { [name]: kept },
      logs: [{ tags: { [name]: kept } }],
    });
  });

  it.each([
    ['far ahead', 18_446_744_073_709_551_615n, T0_US + 12],
    ['before all times', -1n, T0_US],
    ['within it', BigInt(T0_US) * 1_000n + 5_000n, T0_US + 5],
  ])('has its events in it, whenever they say they were: %s', (_, timeNs, at_us) =>
    expect(fitted({ events: [{ timeNs, name: 'e', attributes: [] }] })).toMatchObject({
      logs: [{ at_us }],
    }),
  );

  const attributes = fc.array(fc.tuple(anyText, anyText), { maxLength: 300 });
  it('fits whatever it says', () =>
    fc.assert(
      fc.property(anyText, attributes, fc.integer(), (name, some, kind) => {
        const events = some.map((one) => ({ timeNs: 1n, name, attributes: [one] }));
        const more = { name, kind, attributes: some, events, statusMessage: name };
        expect(kept.safeParse(fitted(more)).error).toBeUndefined();
      }),
      { numRuns: 100 },
    ));
});

describe('what was handed over at once', () => {
  const batchesOf = (spans: readonly HandedSpan[], chars = 500) =>
    spanBatches([{ attributes: [['service.name', 'shop']], spans }], T0_US, (value) =>
      'span_id' in value ? chars : 0,
    );
  const sizes = (spans: number, chars?: number) =>
    batchesOf(Array<HandedSpan>(spans).fill(handed()), chars).batches.map((resources) =>
      resources.map(({ service_name, spans: some }) => `${service_name}: ${some.length}`),
    );

  it('by an SDK is one batch', () => expect(sizes(512)).toEqual([['shop: 512']]));

  it.each([
    ['many', sizes(2_100), [['shop: 1000'], ['shop: 1000'], ['shop: 100']]],
    ['large', sizes(5, 250_000), [['shop: 2'], ['shop: 2'], ['shop: 1']]],
    ['very large, each', sizes(2, 600_000), [['shop: 1'], ['shop: 1']]],
  ])('is several when its spans are %s', (_, are, should) => expect(are).toEqual(should));

  it('is what the command takes, less what does not fit', () => {
    const { batches, rejected, misfit } = batchesOf([handed(), handed({ traceId: '' }), handed()]);
    expect({ rejected, misfit }).toEqual({
      rejected: 1,
      misfit: {
        field: 'resourceSpans.0.spans.1.traceId',
        message: 'must be 16 bytes, not all of them 0',
      },
    });
    const [resources] = batches;
    expect(recordSpans.data.safeParse({ batch_id: 'b', resources }).error).toBeUndefined();
  });

  it('keeps what a process says of itself, and whose it is', () =>
    expect(
      spanBatches(
        [
          { attributes: [['host.name', 'node-1']], spans: [handed()] },
          { attributes: [], spans: [] },
        ],
        T0_US,
        () => 1,
      ).batches,
    ).toMatchObject([[{ service_name: 'unknown_service', tags: { 'host.name': 'node-1' } }]]));

  const value = (char: string, length: number): string => char.repeat(length);
  const tagged = (count: number, of: string): HandedAttribute[] =>
    Array.from({ length: count }, (_, at) => [`key-${at}`, of]);
  const whole = (spans: number, more: Partial<HandedSpan>) =>
    [{ attributes: [], spans: Array<HandedSpan>(spans).fill(handed(more)) }] as const;
  it.each<[string, Parameters<typeof spanBatches>[0], number]>([
    ['in Cyrillic', whole(500, { attributes: tagged(1, value('я', 1_000)) }), 500],
    ['of control characters', whole(20, { attributes: tagged(12, value('\u0001', 4_096)) }), 20],
    [
      'of 400 processes that say much of themselves',
      Array(400).fill({ attributes: tagged(1, value('x', 2_500)), spans: [handed()] }),
      400,
    ],
    [
      'of a process that says more of itself than a batch holds',
      [{ attributes: tagged(128, value('я', 4_096)), spans: [handed(), handed()] }],
      2,
    ],
    [
      'with a span that has more events than a batch holds',
      whole(1, {
        attributes: tagged(1, 'kept'),
        events: Array(128).fill({
          timeNs: 0n,
          name: 'e',
          attributes: tagged(3, value('x', 4_096)),
        }),
      }),
      1,
    ],
    [
      'with a span that has more attributes than a batch holds',
      whole(1, { attributes: tagged(128, value('я', 4_096)) }),
      1,
    ],
  ])('is in batches that NATS takes: %s', (_, resources, spans) => {
    const { batches, rejected } = spanBatches(resources, T0_US, (one) =>
      jsonBytes(one as JsonObject),
    );
    const sizes = batches.map((batch) => jsonBytes({ resources: batch } as unknown as JsonObject));
    expect(Math.max(...sizes)).toBeLessThan(650_000);
    expect(rejected).toBe(0);
    expect(batches.flat().flatMap((one) => one.spans)).toHaveLength(spans);
  });

  it('loses the events of a span that is too large before its attributes', () => {
    const attributes = tagged(1, 'kept');
    const events = Array.from({ length: 128 }, () => ({
      ...{ timeNs: 0n, name: 'e', attributes: tagged(3, value('x', 4_096)) },
    }));
    const [[resource] = []] = spanBatches(whole(1, { attributes, events }), T0_US, (one) =>
      jsonBytes(one as JsonObject),
    ).batches;
    expect(resource?.spans).toMatchObject([{ tags: { 'key-0': 'kept' } }]);
    expect(resource?.spans[0]).not.toHaveProperty('logs');
  });
});
