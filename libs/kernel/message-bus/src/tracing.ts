import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { HEADER, type MessageHeaders } from './headers';
import { reasonOf } from './one-line';

const tracer = trace.getTracer('@downbeat/message-bus');

/** `traceparent` and `tracestate` of the active span; nothing when no tracer is registered. */
export function activeTrace(): MessageHeaders {
  const carrier: Record<string, string> = {};
  propagation.inject(context.active(), carrier);
  return carrier;
}

/** A caller's own `traceparent` wins over the active span's. */
export const traceHeaders = (traceparent: string | undefined): MessageHeaders =>
  traceparent === undefined ? activeTrace() : { [HEADER.traceparent]: traceparent };

/**
 * Runs `work` in a consumer span that continues the message's trace.
 *
 * @param work Gets the `traceparent` that what it causes should carry.
 * @see OpenTelemetry semantic conventions for messaging: "process <destination>".
 */
export async function inConsumerSpan<Result>(
  headers: MessageHeaders,
  destination: string,
  messageId: string,
  work: (traceparent: string | undefined) => Promise<Result>,
): Promise<Result> {
  const parent = propagation.extract(context.active(), headers);
  const attributes = {
    'messaging.system': 'nats',
    'messaging.operation.type': 'process',
    'messaging.destination.name': destination,
    'messaging.message.id': messageId,
  };
  const span = tracer.startSpan(
    `process ${destination}`,
    { kind: SpanKind.CONSUMER, attributes },
    parent,
  );
  return context.with(trace.setSpan(parent, span), async () => {
    try {
      return await work(activeTrace()[HEADER.traceparent] ?? headers[HEADER.traceparent]);
    } catch (fault) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: reasonOf(fault) });
      throw fault;
    } finally {
      span.end();
    }
  });
}
