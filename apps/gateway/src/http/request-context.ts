import { randomFillSync, randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
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
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

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
  const traceparent = activeSpan() ?? given(headers['traceparent']) ?? newTrace();
  return {
    correlationId: correlationIdGiven ? correlationId : randomUUID(),
    correlationIdGiven,
    traceparent,
    traceId: traceparent.slice(3, 35),
    path: url.split('?', 1)[0] ?? '',
  };
}

/** With tracing on, what the edge causes hangs under its own span, which continues the caller's trace. */
function activeSpan(): string | undefined {
  const span = trace.getActiveSpan()?.spanContext();
  if (!span || !isSpanContextValid(span)) return undefined;
  return `00-${span.traceId}-${span.spanId}-${span.traceFlags.toString(16).padStart(2, '0')}`;
}

const given = (traceparent: unknown): string | undefined =>
  typeof traceparent === 'string' && TRACEPARENT.test(traceparent) ? traceparent : undefined;

const TRACE_BYTES = 24;
/** Drawing random bytes costs more than they do, so many are drawn at once. */
const pool = Buffer.alloc(TRACE_BYTES * 128);
let drawn = pool.length;

function newTrace(): string {
  if (drawn === pool.length) {
    randomFillSync(pool);
    drawn = 0;
  }
  const hex = pool.toString('hex', drawn, (drawn += TRACE_BYTES));
  return `00-${hex.slice(0, 32)}-${hex.slice(32)}-01`;
}
