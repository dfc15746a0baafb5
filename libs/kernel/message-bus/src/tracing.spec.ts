import { context, propagation, trace, type TextMapPropagator } from '@opentelemetry/api';
import { done } from './settlement';
import { MemoryMessageBus } from './testing/memory-message-bus';
import {
  activeTrace,
  currentStory,
  inConsumerSpan,
  inStory,
  newTraceparent,
  openStory,
  storyOf,
  traceHeaders,
  traceparentOf,
} from './tracing';

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
      Promise.resolve(own.traceparent),
    );
    expect(caused).toBe(traceparent);
  });

  it.each([undefined, '', 'mine', '00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01'])(
    'begins with a message that brings none: %s',
    async (header) => {
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
      const headers = header === undefined ? {} : { traceparent: header };
      await bus.send('command.registry.Do.x', '{}', headers);
      await bus.send('command.registry.Do.x', '{}', headers);
      await bus.close();
      expect(seen.map(traceparentOf)).toEqual(seen);
      expect(new Set(seen).size).toBe(2);
    },
  );

  it('does not swallow what the work throws', () =>
    expect(
      inConsumerSpan({}, 'x', 'id', () => Promise.reject(new Error('broken'))),
    ).rejects.toThrow('broken'));
});

describe('a story', () => {
  const story = { traceparent, correlationId: 'order-1' };
  const later = () => new Promise((resolve) => setImmediate(resolve));

  it('is known to all that is done in it, and beside it to nothing', async () => {
    const other = { traceparent: newTraceparent() };
    const seen = await Promise.all(
      [story, other].map((one) =>
        inStory(one, async () => {
          await later();
          return currentStory();
        }),
      ),
    );
    expect(seen).toEqual([story, other]);
    expect(currentStory()).toBeUndefined();
  });

  it('is that of the message a handler works on', async () => {
    const headers = { traceparent, 'Downbeat-Correlation-Id': 'order-1' };
    const tell = () => Promise.resolve(currentStory());
    expect(await inConsumerSpan(headers, 'x', 'id', tell)).toEqual(story);
    expect(await inConsumerSpan({ traceparent }, 'x', 'id', tell)).toEqual({
      traceparent,
      correlationId: 'id',
    });
  });

  it('goes on in what a handler sends', async () => {
    expect(await inStory(story, () => Promise.resolve(traceHeaders(undefined)))).toEqual({
      traceparent,
    });
    const own = newTraceparent();
    expect(await inStory(story, () => Promise.resolve(traceHeaders(own)))).toEqual({
      traceparent: own,
    });
  });

  it('is over for what was begun in it once it has ended', async () => {
    let seen: unknown = 'nothing yet';
    await inStory(story, () => {
      setImmediate(() => (seen = currentStory()));
      return Promise.resolve();
    });
    await later();
    await later();
    expect(seen).toBeUndefined();
  });

  it('lasts until it is ended where nothing is waited for', async () => {
    const seen: unknown[] = [];
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    const end = openStory(story, () => {
      setImmediate(() => seen.push(currentStory()));
      void opened.then(() => seen.push(currentStory()));
    });
    await later();
    await later();
    end();
    open();
    await opened;
    expect(seen).toEqual([story, undefined]);
  });

  it('is known of the fault that ended it', async () => {
    const fault = new Error('broken');
    await expect(
      inConsumerSpan({ traceparent }, 'x', 'id', () => Promise.reject(fault)),
    ).rejects.toBe(fault);
    expect(storyOf(fault)).toEqual({ traceparent, correlationId: 'id' });
    expect([storyOf('broken'), storyOf(undefined), storyOf(new Error('other'))]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
