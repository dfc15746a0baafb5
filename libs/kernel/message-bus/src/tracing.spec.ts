import { context, propagation, trace, type TextMapPropagator } from '@opentelemetry/api';
import { done } from './settlement';
import { MemoryMessageBus } from './testing/memory-message-bus';
import { activeTrace, inConsumerSpan, traceHeaders } from './tracing';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** What a tracing SDK registers, cut down to the header. */
const w3c: TextMapPropagator = {
  inject: (from, carrier, setter) => {
    const span = trace.getSpanContext(from);
    if (span) setter.set(carrier, 'traceparent', `00-${span.traceId}-${span.spanId}-01`);
  },
  extract: (to, carrier, getter) => {
    const header = getter.get(carrier, 'traceparent');
    const [, traceId = '', spanId = ''] = String(header).split('-');
    return header
      ? trace.setSpanContext(to, { traceId, spanId, traceFlags: 1, isRemote: true })
      : to;
  },
  fields: () => ['traceparent'],
};

describe('trace context', () => {
  afterEach(() => propagation.disable());

  it('is nothing without a tracer, and what the caller says goes', () => {
    expect(activeTrace()).toEqual({});
    expect(traceHeaders(undefined)).toEqual({});
    expect(traceHeaders(traceparent)).toEqual({ traceparent });
  });

  it('reaches the handler as it came when there is no tracer', async () => {
    const bus = new MemoryMessageBus();
    const seen: unknown[] = [];
    await bus.subscribe({
      durable: 'd',
      subject: 'command.registry.>',
      handle: (delivery) => {
        seen.push(delivery.traceparent);
        return Promise.resolve(done());
      },
    });
    await bus.command('command.registry.Do.x', {}, { traceparent });
    await bus.close();
    expect(seen).toEqual([traceparent]);
  });

  it('is taken from the headers and given to what the message causes when there is one', async () => {
    propagation.setGlobalPropagator(w3c);
    const parent = propagation.extract(context.active(), { traceparent });
    expect(trace.getSpanContext(parent)?.traceId).toBe('0af7651916cd43dd8448eb211c80319c');
    const caused = await inConsumerSpan({ traceparent }, 'command.registry.Do', 'id', (own) =>
      Promise.resolve(own),
    );
    expect(caused).toBe(traceparent);
  });

  it('does not swallow what the work throws', () =>
    expect(
      inConsumerSpan({}, 'x', 'id', () => Promise.reject(new Error('broken'))),
    ).rejects.toThrow('broken'));
});
