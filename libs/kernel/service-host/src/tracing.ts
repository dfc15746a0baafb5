/**
 * Loads the auto-instrumentations, if traces have somewhere to go. Must be the first import of a
 * process: they wrap modules as these are loaded. Without an endpoint they would cost 35 MB and
 * hold up every shutdown for ten seconds.
 */
if (process.env['OTEL_EXPORTER_OTLP_ENDPOINT']) {
  process.env['OTEL_EXPORTER_OTLP_TIMEOUT'] ??= '1000';
  process.env['OTEL_BSP_EXPORT_TIMEOUT'] ??= '1000';
  process.env['OTEL_NODE_RESOURCE_DETECTORS'] ??= 'env,host,os,process';
  process.env['OTEL_METRICS_EXPORTER'] ??= 'none';
  process.env['OTEL_LOGS_EXPORTER'] ??= 'none';
  require('@opentelemetry/auto-instrumentations-node/register');
}

export {};
