// Two services that make one trace, with OpenTelemetry's own SDK and exporter, in a process of their own.
//
//   span-exporter.mjs protobuf|json <url of the health app>       prints {"trace_id": …}
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';

const [form, url] = process.argv.slice(2);
const Exporter = { protobuf: ProtobufExporter, json: JsonExporter }[form];

function serviceOf(name) {
  const exporter = new Exporter({
    url: `${url}/v1/traces`,
    compression: form === 'protobuf' ? 'gzip' : 'none',
  });
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': `${name}-${form}`, 'host.name': 'here' }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  return { provider, tracer: provider.getTracer('span-exporter') };
}

const shop = serviceOf('shop');
const billing = serviceOf('billing');
const root = shop.tracer.startSpan('POST /orders', {
  kind: SpanKind.SERVER,
  attributes: { 'http.response.status_code': 201, 'shop.items': ['ring', 'cake'] },
});
const below = trace.setSpan(context.active(), root);
const call = shop.tracer.startSpan('POST', { kind: SpanKind.CLIENT }, below);
const charge = billing.tracer.startSpan(
  'charge',
  { kind: SpanKind.SERVER, links: [{ context: root.spanContext() }] },
  trace.setSpan(context.active(), call),
);
charge.recordException(new Error('no money'));
charge.setStatus({ code: SpanStatusCode.ERROR, message: 'no money' });
charge.end();
call.end();
root.end();
// Ends with what was not taken, if anything.
await Promise.all([shop.provider.shutdown(), billing.provider.shutdown()]);
process.stdout.write(JSON.stringify({ trace_id: root.spanContext().traceId }));
