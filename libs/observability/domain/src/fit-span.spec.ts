import { observabilityContract } from '@downbeat/contracts';
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
    spanBatches([{ attributes: [['service.name', 'shop']], spans }], T0_US, () => chars);
  const sizes = (spans: number, chars?: number) =>
    batchesOf(Array<HandedSpan>(spans).fill(handed()), chars).batches.map((resources) =>
      resources.map(({ service_name, spans: some }) => `${service_name}: ${some.length}`),
    );

  it('by an SDK is one batch', () => expect(sizes(512)).toEqual([['shop: 512']]));

  it.each([
    ['many', sizes(2_100), [['shop: 1000'], ['shop: 1000'], ['shop: 100']]],
    ['large', sizes(5, 250_000), [['shop: 2'], ['shop: 2'], ['shop: 1']]],
    ['very large, each', sizes(2, 700_000), [['shop: 1'], ['shop: 1']]],
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
});
