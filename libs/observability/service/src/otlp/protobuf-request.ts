import type { HandedAttribute, HandedResource, HandedSpan } from '@downbeat/observability-domain';
import { Reader } from 'protobufjs/minimal';
import { MalformedRequest } from './malformed-request';
import { fieldsOf, hexOf, messageOf, nanosOf, type BudgetedReader } from './protobuf-fields';
import { keyValue } from './protobuf-value';
import { ReadBudget } from './read-budget';
import { RequestRefused } from './request-refused';

/**
 * An ExportTraceServiceRequest in protobuf. Numbers of fields are those of opentelemetry-proto 1.x,
 * `trace/v1/trace.proto`; fields that are not known are passed over.
 *
 * @throws {MalformedRequest} @throws {RequestRefused} There is more in it than is read.
 */
export function protobufRequest(
  body: Uint8Array,
  budget = new ReadBudget(),
): readonly HandedResource[] {
  const resources: HandedResource[] = [];
  try {
    const reader = Object.assign(Reader.create(body), { budget });
    fieldsOf(reader, reader.len, { 1: () => resources.push(resourceSpans(reader)) });
  } catch (fault) {
    if (fault instanceof RequestRefused) throw fault;
    // The reader throws errors of several kinds, all of them about what it read.
    if (!(fault instanceof Error)) throw fault;
    const place = `resourceSpans.${resources.length}`;
    throw new MalformedRequest(place, `is not protobuf as OTLP has it: ${fault.message}`, {
      cause: fault,
    });
  }
  return resources;
}

function resourceSpans(reader: BudgetedReader): HandedResource {
  const attributes: HandedAttribute[] = [];
  const spans: HandedSpan[] = [];
  messageOf(reader, {
    1: () => messageOf(reader, { 1: () => attributes.push(keyValue(reader)) }),
    2: () => scopeSpans(reader, spans),
  });
  return { attributes, spans };
}

/** Of the scope the name is kept, as a tag of each of its spans. */
function scopeSpans(reader: BudgetedReader, into: HandedSpan[]): void {
  let scope = '';
  const spans: HandedSpan[] = [];
  messageOf(reader, {
    1: () => messageOf(reader, { 1: () => (scope = reader.string()) }),
    2: () => spans.push(spanOf(reader)),
  });
  for (const span of spans) into.push(scope === '' ? span : withScope(span, scope));
}

export const withScope = (span: HandedSpan, scope: string): HandedSpan => ({
  ...span,
  attributes: [...span.attributes, ['otel.scope.name', scope]],
});

type Mutable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

function spanOf(reader: BudgetedReader): HandedSpan {
  reader.budget.takeSpans(1);
  const attributes: HandedAttribute[] = [];
  const events: HandedSpan['events'][number][] = [];
  const links: HandedSpan['links'][number][] = [];
  const span: Mutable<HandedSpan> = {
    ...{ traceId: '', spanId: '', parentSpanId: '', name: '', kind: 0, startNs: 0n, endNs: 0n },
    ...{ attributes, events, links, statusCode: 0, statusMessage: '' },
  };
  messageOf(reader, {
    1: () => (span.traceId = hexOf(reader.bytes())),
    2: () => (span.spanId = hexOf(reader.bytes())),
    4: () => (span.parentSpanId = hexOf(reader.bytes())),
    5: () => (span.name = reader.string()),
    6: () => (span.kind = reader.int32()),
    7: () => (span.startNs = nanosOf(reader)),
    8: () => (span.endNs = nanosOf(reader)),
    9: () => attributes.push(keyValue(reader)),
    11: () => events.push(eventOf(reader)),
    13: () => links.push(linkOf(reader)),
    15: () =>
      messageOf(reader, {
        2: () => (span.statusMessage = reader.string()),
        3: () => (span.statusCode = reader.int32()),
      }),
  });
  return span;
}

function eventOf(reader: BudgetedReader): HandedSpan['events'][number] {
  const attributes: HandedAttribute[] = [];
  const event = { timeNs: 0n, name: '', attributes };
  messageOf(reader, {
    1: () => (event.timeNs = nanosOf(reader)),
    2: () => (event.name = reader.string()),
    3: () => attributes.push(keyValue(reader)),
  });
  return event;
}

function linkOf(reader: BudgetedReader): HandedSpan['links'][number] {
  const link = { traceId: '', spanId: '' };
  messageOf(reader, {
    1: () => (link.traceId = hexOf(reader.bytes())),
    2: () => (link.spanId = hexOf(reader.bytes())),
  });
  return link;
}
