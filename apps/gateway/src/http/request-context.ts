import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { newTraceparent, traceIdOf, traceparentOf } from '@downbeat/message-bus';
import { isSpanContextValid, trace } from '@opentelemetry/api';

/** What is known of a request before anything of it was understood. */
export interface RequestContext {
  readonly correlationId: string;
  /** The sender named it; otherwise it is ours and a better one may replace it. */
  readonly correlationIdGiven: boolean;
  /** W3C trace context to pass on: of the active span, or as it came, or made. */
  readonly traceparent: string;
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** Without the query string. */
  readonly path: string;
}

const CORRELATION_ID = /^[A-Za-z0-9_.:@-]{1,128}$/;

const contexts = new WeakMap<IncomingMessage, RequestContext>();

/** The same object for the same request, whoever asks first. */
export function contextOf(request: IncomingMessage & { originalUrl?: string }): RequestContext {
  const known = contexts.get(request);
  if (known) return known;
  const context = newContext(request.headers, request.originalUrl ?? request.url ?? '');
  contexts.set(request, context);
  return context;
}

/** Of ids from outside, those that fit are used; the others are replaced, since they cannot be passed on. */
export function newContext(headers: IncomingHttpHeaders, url: string): RequestContext {
  const correlationId = headers['x-correlation-id'];
  const correlationIdGiven =
    typeof correlationId === 'string' && CORRELATION_ID.test(correlationId);
  const traceparent = activeSpan() ?? traceparentOf(headers['traceparent']) ?? newTraceparent();
  return {
    correlationId: correlationIdGiven ? correlationId : randomUUID(),
    correlationIdGiven,
    traceparent,
    traceId: traceIdOf(traceparent),
    path: url.split('?', 1)[0] ?? '',
  };
}

/** With tracing on, what the edge causes hangs under its own span, which continues the caller's trace. */
function activeSpan(): string | undefined {
  const span = trace.getActiveSpan()?.spanContext();
  if (!span || !isSpanContextValid(span)) return undefined;
  return `00-${span.traceId}-${span.spanId}-${span.traceFlags.toString(16).padStart(2, '0')}`;
}
