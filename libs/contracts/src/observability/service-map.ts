import { z } from 'zod';
import { query } from '../contract';
import { MINUTES_KEPT } from './calls';

const context = 'observability' as const;
const count = z.number().int();

export const mappedService = z.object({
  service_name: z.string(),
  service_type: z
    .string()
    .describe('`unknown`: it calls or is called, and nobody has registered it'),
  instance_count: count,
  health_status: z.string(),
  is_registered: z.boolean(),
  request_rate_per_minute: z.number().describe('Calls that it got, in the window'),
  error_rate: z.number().describe('Share of them, 0 to 1'),
  avg_response_time_ms: z.number(),
  position: z
    .object({ x: count, y: count })
    .describe('In layers from left to right: callers before those that they call'),
});

export const mappedConnection = z.object({
  source_service: z.string(),
  target_service: z.string(),
  basis: z
    .enum(['both', 'declared', 'observed'])
    .describe(
      'both: declared and called. declared: no call was reported in the window. observed: called, and the caller does not declare it',
    ),
  request_count_1h: count.describe('In the last hour, whatever the window'),
  error_count_1h: count,
  request_rate_per_minute: z.number().describe('In the window'),
  error_rate: z.number(),
  avg_latency_ms: z.number(),
  connection_strength: count.describe('1 to 100, by the logarithm of how often it is called'),
  protocol: z.string().describe('That of most calls; `unknown` where there were none'),
  dependency_type: z.string().optional().describe('As it is declared'),
  is_critical: z.boolean().optional(),
  required: z.boolean().optional(),
});

export const getServiceMap = query({
  context,
  name: 'service-map',
  summary: 'Which services call which, declared and observed, and what fails with what',
  input: z.strictObject({
    window_minutes: z.coerce
      .number()
      .int()
      .min(1)
      .max(MINUTES_KEPT)
      .default(60)
      .describe('How far back rates and latencies look'),
  }),
  answer: z.object({
    services: z.array(mappedService),
    connections: z.array(mappedConnection).describe('Those that are called most come first'),
    dependency_graph: z.object({
      critical_paths: z
        .array(
          z.object({
            path: z
              .array(z.string())
              .describe('From whom it is used by, to the service that fails'),
            failure_impact_score: z
              .number()
              .describe('0 to 100: the share of the system, weighted by rate, that fails with it'),
            affected_services: count,
          }),
        )
        .describe('The highest score first; ten at most'),
      circular_dependencies: z
        .array(z.array(z.string()))
        .describe('Services each of which needs or calls, by way of others, each of the others'),
    }),
    window_minutes: count,
    is_registry_heard: z
      .boolean()
      .describe('False: the registry does not answer, and only what was observed is shown'),
    services_omitted: count,
    connections_omitted: count,
  }),
  http: { method: 'GET', path: '/observability/service-map' },
});
