import type { HandedAttribute, HandedResource, HandedSpan } from '@downbeat/observability-domain';
import { Reader } from 'protobufjs/minimal';
import { MalformedRequest } from './malformed-request';
import {
  fieldsOf,
  hexOf,
  messageOf,
  nanosOf,
  type BudgetedReader,
  type Fields,
} from './protobuf-fields';
import { keyValue } from './protobuf-value';
import { ReadBudget } from './read-budget';
import { RequestRefused } from './request-refused';

/** Of a scope the name is kept, as a tag of each of its spans. */
export const SCOPE_NAME = 'otel.scope.name';

/** A value whose members are still being read. */
type Making<Value> = {
  -readonly [Key in keyof Value]: Value[Key] extends readonly (infer Item)[] ? Item[] : Value[Key];
};

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
    fieldsOf(reader, reader.len, REQUEST, resources);
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

const REQUEST: Fields<HandedResource[]> = {
  1: (reader, resources) => {
    const resource = { attributes: [], spans: [] };
    resources.push(messageOf(reader, RESOURCE_SPANS, resource));
  },
};

const RESOURCE_SPANS: Fields<Making<HandedResource>> = {
  1: (reader, { attributes }) => void messageOf(reader, ATTRIBUTES_FIRST, attributes),
  2: (reader, { spans }) => {
    const ofScope = messageOf<ScopeSpans>(reader, SCOPE_SPANS, { scope: '', spans: [] });
    for (const span of ofScope.spans) {
      if (ofScope.scope !== '') span.attributes.push([SCOPE_NAME, ofScope.scope]);
      spans.push(span);
    }
  },
};

const ATTRIBUTES_FIRST: Fields<HandedAttribute[]> = {
  1: (reader, attributes) => attributes.push(keyValue(reader)),
};

interface ScopeSpans {
  scope: string;
  readonly spans: Making<HandedSpan>[];
}

const SCOPE_SPANS: Fields<ScopeSpans> = {
  1: (reader, into) => void messageOf(reader, SCOPE, into),
  2: (reader, { spans }) => spans.push(spanOf(reader)),
};

const SCOPE: Fields<ScopeSpans> = {
  1: (reader, into) => (into.scope = reader.string()),
};

function spanOf(reader: BudgetedReader): Making<HandedSpan> {
  reader.budget.takeSpans(1);
  return messageOf(reader, SPAN, {
    traceId: '',
    spanId: '',
    parentSpanId: '',
    name: '',
    kind: 0,
    startNs: 0n,
    endNs: 0n,
    attributes: [],
    events: [],
    links: [],
    statusCode: 0,
    statusMessage: '',
  });
}

const SPAN: Fields<Making<HandedSpan>> = {
  1: (reader, span) => (span.traceId = hexOf(reader.bytes())),
  2: (reader, span) => (span.spanId = hexOf(reader.bytes())),
  4: (reader, span) => (span.parentSpanId = hexOf(reader.bytes())),
  5: (reader, span) => (span.name = reader.string()),
  6: (reader, span) => (span.kind = reader.int32()),
  7: (reader, span) => (span.startNs = nanosOf(reader)),
  8: (reader, span) => (span.endNs = nanosOf(reader)),
  9: (reader, { attributes }) => attributes.push(keyValue(reader)),
  11: (reader, { events }) =>
    events.push(messageOf(reader, EVENT, { timeNs: 0n, name: '', attributes: [] })),
  13: (reader, { links }) => links.push(messageOf(reader, LINK, { traceId: '', spanId: '' })),
  15: (reader, span) => void messageOf(reader, STATUS, span),
};

const STATUS: Fields<Making<HandedSpan>> = {
  2: (reader, span) => (span.statusMessage = reader.string()),
  3: (reader, span) => (span.statusCode = reader.int32()),
};

const EVENT: Fields<Making<HandedSpan['events'][number]>> = {
  1: (reader, event) => (event.timeNs = nanosOf(reader)),
  2: (reader, event) => (event.name = reader.string()),
  3: (reader, { attributes }) => attributes.push(keyValue(reader)),
};

const LINK: Fields<Making<HandedSpan['links'][number]>> = {
  1: (reader, link) => (link.traceId = hexOf(reader.bytes())),
  2: (reader, link) => (link.spanId = hexOf(reader.bytes())),
};
