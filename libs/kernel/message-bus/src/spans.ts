import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { HEADER } from './headers';
import { reasonOf } from './one-line';

const tracer = trace.getTracer('@downbeat/message-bus');

/** What a span of the suite says of itself; never what stands in a message. */
export interface SpanFacts {
  /** The cause's; absent: that of the span that is open. */
  readonly traceparent?: string | undefined;
  /** Default: internal. */
  readonly kind?: 'client' | 'producer';
  readonly attributes?: Readonly<Record<string, string | number>>;
  /** Why what `work` gave is a failure, if it is one: what throws is one anyhow. */
  readonly failureOf?: (result: unknown) => string | undefined;
  /** Of a step that is over: when it began, in milliseconds since 1970. */
  readonly beganMs?: number;
}

const KINDS = { client: SpanKind.CLIENT, producer: SpanKind.PRODUCER } as const;

/**
 * Runs `work` as a span of the trace of its cause, if somebody takes traces and this one is taken.
 *
 * @param work Gets the `traceparent` that what it causes should carry.
 */
export function inSpan<Result>(
  name: string,
  facts: SpanFacts,
  work: (traceparent: string | undefined) => Result,
): Result {
  const { parent, span } = spanOf(name, facts);
  if (!span.isRecording()) return work(facts.traceparent);
  const end = (failure: string | undefined): void => {
    if (failure !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
    span.end();
  };
  const failureOf = facts.failureOf ?? (() => undefined);
  return context.with(trace.setSpan(parent, span), () => {
    try {
      const { traceId, spanId } = span.spanContext();
      const result = work(`00-${traceId}-${spanId}-01`);
      if (!(result instanceof Promise)) {
        end(failureOf(result));
        return result;
      }
      return result.then(
        (value: unknown) => {
          end(failureOf(value));
          return value;
        },
        (fault: unknown) => {
          end(reasonOf(fault));
          throw fault;
        },
      ) as Result;
    } catch (fault) {
      end(reasonOf(fault));
      throw fault;
    }
  });
}

/** The same of a step that is over. */
export const tellSpan = (name: string, facts: SpanFacts): void => spanOf(name, facts).span.end();

function spanOf(name: string, { traceparent, kind, attributes = {}, beganMs }: SpanFacts) {
  const parent =
    traceparent === undefined
      ? context.active()
      : propagation.extract(context.active(), { [HEADER.traceparent]: traceparent });
  const span = tracer.startSpan(
    name,
    {
      attributes: { ...attributes },
      ...(kind !== undefined && { kind: KINDS[kind] }),
      ...(beganMs !== undefined && { startTime: beganMs }),
    },
    parent,
  );
  return { parent, span };
}
