import { z } from 'zod';
import { query } from '../contract';
import * as f from '../fields';
import { callProtocol, ENDPOINT_LENGTH_MAX, OTHER } from './call-reports';

const context = 'observability' as const;
const count = z.number().int();
const milliseconds = z.number();

/** Minutes are kept for a day, hours for thirty. */
export const MINUTES_KEPT = 1_440;
export const HOURS_KEPT = 720;
export const ENDPOINTS_KEPT = 50;
export const SERIES_MAX = 1_440;

const figures = {
  calls: count,
  errors: count.describe('Those answered with 500 and above, and those not answered'),
  error_rate: z.number().describe('Share of the calls, 0 to 1'),
  client_errors: count.describe('Answered with 400 to 499; no errors of the target'),
  rate_per_minute: z.number(),
  avg_ms: milliseconds,
  p50_ms: milliseconds.describe('Percentiles are at most 9.1 % off'),
  p95_ms: milliseconds,
  p99_ms: milliseconds,
};

const serviceOrOther = f.name.or(z.literal(OTHER));

export const getCalls = query({
  context,
  name: 'calls',
  summary: 'Calls between services over time: how many, how many failed, how long they took',
  input: z.strictObject({
    source_service: f.name.optional().describe('Who called'),
    target_service: serviceOrOther.optional(),
    protocol: callProtocol.optional(),
    method: z
      .string()
      .regex(/^[A-Z]{1,16}$/, 'must be 1 to 16 capital letters')
      .optional(),
    endpoint: f.line(ENDPOINT_LENGTH_MAX).optional().describe('As it was reported'),
    window_minutes: z.coerce
      .number()
      .int()
      .min(1)
      .max(HOURS_KEPT * 60)
      .default(60)
      .describe('How far back: a day, or 30 days in steps of whole hours'),
    bucket_minutes: z.coerce
      .number()
      .int()
      .min(1)
      .max(HOURS_KEPT * 60)
      .default(1)
      .describe(`Length of a step; ${SERIES_MAX} steps at most`),
  }),
  answer: z.object({
    from: f.instant,
    to: f.instant.describe('Now, or the moment that was asked for with `at`'),
    bucket_minutes: count,
    buckets: z
      .array(z.object({ started_at: f.instant, ...figures }))
      .describe('Oldest first; those without calls are left out'),
    total: z.object(figures),
    endpoints: z
      .array(z.object({ method: z.string(), endpoint: z.string(), ...figures }))
      .describe(
        `The ${ENDPOINTS_KEPT} that were called most. What has no row of its own is in ${OTHER}`,
      ),
    lost_calls: count.describe(
      'Calls of the last hours of which reporters say only that there were so many, whoever called whom',
    ),
  }),
  http: { method: 'GET', path: '/observability/calls' },
});
