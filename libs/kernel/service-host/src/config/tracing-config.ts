import { z } from 'zod';

/**
 * How traces are handed over, once they have somewhere to go. The names are OpenTelemetry's; the defaults keep a collector
 * that does not answer from holding up the end of a process for ten seconds.
 */
export const tracingConfig = z.object({
  OTEL_EXPORTER_OTLP_TIMEOUT: z
    .string()
    .default('1000')
    .describe('Milliseconds for handing over one batch of spans'),
  OTEL_BSP_EXPORT_TIMEOUT: z
    .string()
    .default('1000')
    .describe('Milliseconds for handing over what is left at the end'),
  OTEL_NODE_RESOURCE_DETECTORS: z
    .string()
    .default('env,host,os,process')
    .describe('What a span says of its process; those of cloud providers look for their servers'),
  OTEL_METRICS_EXPORTER: z.string().default('none').describe('Metrics are at /metrics'),
  OTEL_LOGS_EXPORTER: z.string().default('none').describe('Logs go to stdout'),
});
