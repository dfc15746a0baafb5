import { randomBytes } from 'node:crypto';
import { Writer } from 'protobufjs/minimal';

/** The two forms of OTLP over HTTP. */
export const FORMS = ['protobuf', 'JSON'] as const;
export type Form = (typeof FORMS)[number];
export const TYPES: Readonly<Record<Form, string>> = {
  protobuf: 'application/x-protobuf',
  JSON: 'application/json',
};

interface BenchSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly startNs: bigint;
  readonly endNs: bigint;
}

const hexOf = (bytes: number): string => randomBytes(bytes).toString('hex');
const NAME = 'GET /orders/{order_id}';
const RESOURCE = { 'service.name': 'bench-shop', 'service.version': '1.4.2', 'host.name': 'bench' };
/** As many as HTTP and database instrumentations set. */
const ATTRIBUTES = {
  'http.request.method': 'GET',
  'http.route': '/orders/{order_id}',
  'url.path': '/orders/4711',
  'server.address': 'shop.internal',
  'http.response.status_code': '200',
  'user_agent.original': 'bench/1.0',
  'network.protocol.version': '1.1',
  'db.namespace': 'orders',
};

/** Whole traces of so many spans each, as many as make `count` spans. */
export function someSpans(count: number, perTrace: number): readonly BenchSpan[] {
  const nowNs = BigInt(Date.now()) * 1_000_000n;
  let traceId = '';
  let parentSpanId = '';
  return Array.from({ length: count }, (_, at) => {
    const isRoot = at % perTrace === 0;
    if (isRoot) traceId = hexOf(16);
    const spanId = hexOf(8);
    const startNs = nowNs + BigInt((at % perTrace) * 1_000);
    const span = { traceId, spanId, parentSpanId: isRoot ? '' : parentSpanId, startNs };
    if (isRoot) parentSpanId = spanId;
    return { ...span, endNs: startNs + 1_000_000n };
  });
}

/** What an exporter sends at once. */
export const requestOf = (form: Form, spans: readonly BenchSpan[]): Buffer =>
  form === 'JSON' ? inJson(spans) : inProtobuf(spans);

const inJson = (spans: readonly BenchSpan[]): Buffer =>
  Buffer.from(
    JSON.stringify({
      resourceSpans: [
        {
          resource: { attributes: keyValues(RESOURCE) },
          scopeSpans: [
            {
              scope: { name: 'bench' },
              spans: spans.map(({ startNs, endNs, ...ids }) => ({
                ...ids,
                name: NAME,
                kind: 2,
                startTimeUnixNano: `${startNs}`,
                endTimeUnixNano: `${endNs}`,
                attributes: keyValues(ATTRIBUTES),
              })),
            },
          ],
        },
      ],
    }),
  );

const keyValues = (attributes: Readonly<Record<string, string>>): readonly object[] =>
  Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } }));

const [BYTES, VARINT, FIXED64] = [2, 0, 1];
const tag = (field: number, type: number): number => (field << 3) | type;

/** Numbers of fields: `trace/v1/trace.proto` of OpenTelemetry. */
function inProtobuf(spans: readonly BenchSpan[]): Buffer {
  const writer = Writer.create();
  writer.uint32(tag(1, BYTES)).fork();
  writer.uint32(tag(1, BYTES)).fork();
  writeAttributes(writer, 1, RESOURCE);
  writer.ldelim();
  writer.uint32(tag(2, BYTES)).fork();
  writer.uint32(tag(1, BYTES)).fork().uint32(tag(1, BYTES)).string('bench').ldelim();
  for (const span of spans) writeSpan(writer, span);
  writer.ldelim().ldelim();
  return Buffer.from(writer.finish());
}

function writeSpan(writer: Writer, span: BenchSpan): void {
  const bytes = (field: number, hex: string): void => {
    writer.uint32(tag(field, BYTES)).bytes(Buffer.from(hex, 'hex'));
  };
  const nanos = (field: number, ns: bigint): void => {
    writer
      .uint32(tag(field, FIXED64))
      .fixed32(Number(ns & 0xffffffffn))
      .fixed32(Number(ns >> 32n));
  };
  writer.uint32(tag(2, BYTES)).fork();
  bytes(1, span.traceId);
  bytes(2, span.spanId);
  if (span.parentSpanId !== '') bytes(4, span.parentSpanId);
  writer.uint32(tag(5, BYTES)).string(NAME).uint32(tag(6, VARINT)).int32(2);
  nanos(7, span.startNs);
  nanos(8, span.endNs);
  writeAttributes(writer, 9, ATTRIBUTES);
  writer.ldelim();
}

function writeAttributes(
  writer: Writer,
  field: number,
  attributes: Readonly<Record<string, string>>,
): void {
  for (const [key, value] of Object.entries(attributes)) {
    writer.uint32(tag(field, BYTES)).fork().uint32(tag(1, BYTES)).string(key);
    writer.uint32(tag(2, BYTES)).fork().uint32(tag(1, BYTES)).string(value).ldelim().ldelim();
  }
}
