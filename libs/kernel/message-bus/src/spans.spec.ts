import {
  propagation,
  SpanKind,
  SpanStatusCode,
  trace,
  type TextMapPropagator,
} from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { inSpan, tellSpan } from './spans';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const CAUSE = 'b7ad6b7169203331';
const traceparent = `00-${TRACE_ID}-${CAUSE}-01`;
const unsampled = `00-${TRACE_ID}-${CAUSE}-00`;

/** What a tracing SDK registers, cut down to reading the header. */
const w3c: TextMapPropagator = {
  inject: () => undefined,
  extract: (to, carrier, getter) => {
    const [, traceId = '', spanId = '', flags] = String(getter.get(carrier, 'traceparent')).split(
      '-',
    );
    return trace.setSpanContext(to, {
      ...{ traceId, spanId, traceFlags: Number(flags), isRemote: true },
    });
  },
  fields: () => ['traceparent'],
};

it('without a tracer work is done as if there were no spans', () => {
  expect(inSpan('append', { traceparent }, (own) => own)).toBe(traceparent);
  expect(() => tellSpan('project', { traceparent, beganMs: 1 })).not.toThrow();
});

describe('with a tracer', () => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  });
  beforeAll(() => {
    trace.setGlobalTracerProvider(provider);
    propagation.setGlobalPropagator(w3c);
  });
  afterEach(() => exporter.reset());
  afterAll(async () => {
    await provider.shutdown();
    trace.disable();
    propagation.disable();
  });
  const only = () => {
    const spans = exporter.getFinishedSpans();
    expect(spans).toHaveLength(1);
    return spans[0];
  };

  it('a step is a span below its cause, and what it causes goes on from there', async () => {
    const facts = { traceparent, kind: 'client', attributes: { 'downbeat.step': 'call' } } as const;
    const own = await inSpan('call venue', facts, (given) => Promise.resolve(given));
    const span = only();
    expect(span).toMatchObject({
      name: 'call venue',
      kind: SpanKind.CLIENT,
      attributes: { 'downbeat.step': 'call' },
      parentSpanContext: { traceId: TRACE_ID, spanId: CAUSE },
      status: { code: SpanStatusCode.UNSET },
    });
    expect(own).toBe(`00-${TRACE_ID}-${span?.spanContext().spanId}-01`);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () =>
        inSpan('append', { traceparent }, () => {
          throw new Error('broken');
        }),
    ],
    ['rejects', () => inSpan('append', { traceparent }, () => Promise.reject(new Error('broken')))],
    ['says so', () => inSpan('append', { traceparent, failureOf: () => 'broken' }, () => 7)],
  ])('a step that %s has failed', async (_, step) => {
    await Promise.resolve()
      .then(step)
      .catch((fault: unknown) => expect(fault).toEqual(new Error('broken')));
    expect(only()?.status).toMatchObject({
      code: SpanStatusCode.ERROR,
      message: expect.stringContaining('broken') as string,
    });
  });

  it('of a trace that nobody takes there is no span', () => {
    expect(inSpan('append', { traceparent: unsampled }, (own) => own)).toBe(unsampled);
    tellSpan('project', { traceparent: unsampled });
    expect(exporter.getFinishedSpans()).toEqual([]);
  });

  it('a step that is over is told with its beginning', () => {
    const beganMs = Date.now() - 5_000;
    tellSpan('project saga.workflows', { traceparent, beganMs });
    expect(only()?.startTime[0]).toBe(Math.floor(beganMs / 1_000));
  });
});
