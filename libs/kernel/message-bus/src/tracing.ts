import { AsyncLocalStorage } from 'node:async_hooks';
import { randomFillSync } from 'node:crypto';
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { HEADER, type MessageHeaders } from './headers';
import { reasonOf } from './one-line';

const tracer = trace.getTracer('@downbeat/message-bus');

/** What a request, a message or a timer sets off, by the ids under which it is found again. */
export interface Story {
  /** W3C trace context that what it causes carries on. */
  readonly traceparent: string;
  readonly correlationId?: string | undefined;
}

interface Telling {
  /** Absent once it is over: what was merely made meanwhile, such as a connection, is not part of it. */
  story: Story | undefined;
}

const tellings = new AsyncLocalStorage<Telling>();
const broken = new WeakMap<object, Story>();

/** The story that the running code is part of. */
export const currentStory = (): Story | undefined => tellings.getStore()?.story;

/** The story that a fault ended, for whoever only meets the fault. */
export const storyOf = (fault: unknown): Story | undefined =>
  typeof fault === 'object' && fault !== null ? broken.get(fault) : undefined;

/** Runs `work` as the story, until what it returns has ended. */
export const inStory = <Result>(story: Story, work: () => Promise<Result>): Promise<Result> =>
  tell(story, work, () => undefined);

/** One promise for all of it: this stands around every message. */
function tell<Result>(
  story: Story,
  work: (story: Story) => Promise<Result>,
  ended: (fault: unknown) => void,
): Promise<Result> {
  const telling: Telling = { story };
  return tellings.run(telling, async () => {
    let broke: unknown;
    try {
      return await work(story);
    } catch (fault) {
      broke = fault;
      if (typeof fault === 'object' && fault !== null) broken.set(fault, story);
      throw fault;
    } finally {
      telling.story = undefined;
      ended(broke);
    }
  });
}

/** The same for what returns before it has ended. @returns Ends the story; may be called again. */
export function openStory(story: Story, work: () => void): () => void {
  const telling: Telling = { story };
  tellings.run(telling, work);
  return () => {
    telling.story = undefined;
  };
}

/** @see W3C Trace Context, section 3.2: version ff, and ids of zeros alone, are not valid. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** A `traceparent` from outside, if it is one. */
export const traceparentOf = (header: unknown): string | undefined =>
  typeof header === 'string' && TRACEPARENT.test(header) ? header : undefined;

/** 32 hexadecimal digits. */
export const traceIdOf = (traceparent: string): string => traceparent.slice(3, 35);

const TRACE_BYTES = 24;
/** Drawing random bytes costs more than they do, so many are drawn at once. */
const pool = Buffer.alloc(TRACE_BYTES * 128);
let drawn = pool.length;

/** The `traceparent` of a story that begins here. */
export function newTraceparent(): string {
  if (drawn === pool.length) {
    randomFillSync(pool);
    drawn = 0;
  }
  const hex = pool.toString('hex', drawn, (drawn += TRACE_BYTES));
  return `00-${hex.slice(0, 32)}-${hex.slice(32)}-01`;
}

/** `traceparent` and `tracestate` of the active span; nothing when no tracer is registered. */
export function activeTrace(): MessageHeaders {
  const carrier: Record<string, string> = {};
  propagation.inject(context.active(), carrier);
  return carrier;
}

/** A caller's own `traceparent` wins over the active span's, and that over the story's. */
export function traceHeaders(traceparent: string | undefined): MessageHeaders {
  if (traceparent !== undefined) return { [HEADER.traceparent]: traceparent };
  const active = activeTrace();
  const story = currentStory();
  return story === undefined || active[HEADER.traceparent] !== undefined
    ? active
    : { [HEADER.traceparent]: story.traceparent };
}

/**
 * Runs `work` in a consumer span that continues the message's trace, or begins one, as the story
 * of the message.
 *
 * @param messageId Stands for the correlation id of a message without one; empty: it has none.
 * @param work Gets the story, whose `traceparent` what it causes should carry.
 * @see OpenTelemetry semantic conventions for messaging: "process <destination>".
 */
export function inConsumerSpan<Result>(
  headers: MessageHeaders,
  destination: string,
  messageId: string,
  work: (story: Story) => Promise<Result>,
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
  return context.with(trace.setSpan(parent, span), () =>
    tell(storyOfMessage(headers, messageId), work, (fault) => {
      if (fault !== undefined)
        span.setStatus({ code: SpanStatusCode.ERROR, message: reasonOf(fault) });
      span.end();
    }),
  );
}

/** That of the active span if there is one; else it goes on from the headers, or begins here. */
export const storyOfMessage = (headers: MessageHeaders, messageId: string): Story => ({
  traceparent:
    traceparentOf(activeTrace()[HEADER.traceparent]) ??
    traceparentOf(headers[HEADER.traceparent]) ??
    newTraceparent(),
  correlationId: headers[HEADER.correlationId] || messageId || undefined,
});
