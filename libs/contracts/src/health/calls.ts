import { z } from 'zod';
import { command } from '../contract';
import * as f from '../fields';

const context = 'health' as const;

const calls = z.number().int().min(0).max(1_000_000);

/** How the calls to one instance ended in a stretch of time, as one caller saw them. */
const callCounts = z.strictObject({
  instance_id: f.externalId,
  ok: calls,
  /** Those that say something about the instance: no connection, no answer in time, 5xx. */
  failed: calls,
  /** Of the last one that failed: `HTTP 503`. */
  last_failure: f.line(200).optional(),
});

export const reportCalls = command({
  context,
  name: 'ReportCalls',
  summary: 'Say how calls to instances ended, so that a failure is noticed before the next check',
  idField: 'reporter',
  data: z.strictObject({
    /** Who called: a replica of the saga, a gateway, a service. */
    reporter: f.externalId,
    /** When the stretch of time ended. What is older than 10 s, or than the last report, counts for nothing. */
    reported_at: f.instant,
    window_ms: z.number().int().min(1).max(60_000),
    instances: z
      .array(callCounts)
      .min(1)
      .max(200)
      .superRefine(f.noneTwice((one: z.output<typeof callCounts>) => one.instance_id)),
  }),
  answer: z.object({ reporter: f.externalId }),
  example: {
    reporter: 'gateway-1',
    reported_at: '2026-03-01T09:30:00.000Z',
    window_ms: 500,
    instances: [{ instance_id: 'billing-1', ok: 1, failed: 4, last_failure: 'HTTP 503' }],
  },
  http: { method: 'POST', path: '/health/calls' },
});

/** Core NATS: a report on its way to the replica that checks the instance. `ReportCalls` without its id. */
export const CALLS_HINT = 'hint.health.calls';
