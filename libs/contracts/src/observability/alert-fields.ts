import { z } from 'zod';
import * as f from '../fields';

/** What can be measured: its name, and what one number of it says. `subject` is what it is measured of. */
export const ALERT_METRICS = {
  process_silent_seconds: 'Since a process of the suite was last heard of; subject: the process',
  process_memory_bytes: 'Resident memory of a process; subject: the process',
  bus_waiting: 'Messages held in memory behind others of their key; subject: the process',
  bus_quarantined_total: 'Messages given up on since the process began; subject: the process',
  bus_handler_timeouts_total: 'Handlers that took too long; subject: the process',
  bus_disconnects_total: 'Lost connections to NATS; subject: the process',
  bus_server_gave_up_total: 'Messages the server itself gave up on; subject: the process',
  projection_lag_positions: 'Positions not in a read model yet; subject: the read model',
  projection_parked_streams: 'Streams a read model could not apply; subject: the read model',
  relay_finds_total: 'Losses of the bus that were found and sent again; subject: the context',
  publications_unsent: 'Publications the bus has not confirmed; subject: the context',
  queue_messages: 'Messages waiting in a queue; subject: the queue',
  queue_oldest_seconds: 'Age of the oldest message of a queue; subject: the queue',
  dead_letters: 'Dead letters in quarantine; subject: the consumer',
  incidents_open: 'Undos that wait for a person; subject: the workflow',
  incident_age_seconds: 'Since an incident was opened; subject: the incident',
  runs_overdue: 'Runs that last longer than they may; subject: the workflow',
  breaker_open_seconds: 'Since a breaker is open; subject: the breaker',
  service_unhealthy_instances: 'Instances that fail their checks; subject: the service',
  service_down: '1 when no instance of a service is healthy, else 0; subject: the service',
  critical_dependents:
    'Services that fail with a service that is down or behind an open breaker; subject: that service',
} as const;

export type AlertMetric = keyof typeof ALERT_METRICS;

export const alertMetric = z.enum(
  Object.keys(ALERT_METRICS) as [AlertMetric, ...(readonly AlertMetric[])],
);

export const alertSeverity = z.enum(['info', 'warning', 'critical']);
export type AlertSeverity = z.output<typeof alertSeverity>;

export const alertState = z
  .enum(['pending', 'firing', 'silenced', 'resolved'])
  .describe(
    'pending: the condition holds, not yet for as long as its rule says. firing: for that long. silenced: it would fire, but somebody asked for silence first. resolved: it holds no more',
  );

export const alertComparison = z.enum(['above', 'at_least', 'below', 'at_most']);

/** A value, or how much it grew within `growth_over_seconds`, compared with a number. */
export const alertCondition = z.strictObject({
  metric: alertMetric,
  comparison: alertComparison,
  threshold: z.number(),
  growth_over_seconds: z
    .number()
    .int()
    .min(10)
    .max(3_600)
    .optional()
    .describe('Compares how much the value grew within this time, and not the value'),
  service_name: f.line(200).optional().describe('Of this service, process or context only'),
  subject: f.line(300).optional().describe('Of this subject only'),
});
export type AlertCondition = z.output<typeof alertCondition>;

export const alertRuleDefinition = {
  summary: f.line(200),
  condition: alertCondition,
  for_seconds: z
    .number()
    .min(0)
    .max(86_400)
    .default(60)
    .describe('For so long without a break it must hold before the alert fires'),
  severity: alertSeverity,
  severity_steps: z
    .array(z.strictObject({ at_least: z.number(), severity: alertSeverity }))
    .max(3)
    .optional()
    .describe('From these values on the severity is another one'),
  runbook: z
    .union([
      f.httpUrl,
      z
        .string()
        .max(300)
        .regex(/^docs\/[a-z0-9-]+\.md(#[a-z0-9-]+)?$/, 'must be a URL or docs/<page>.md#<section>'),
    ])
    .optional()
    .describe('What to do about it: a URL, or a section of these documents'),
  is_enabled: z.boolean().default(true),
};

export const alertId = z.uuid();
export const ALERT_EXAMPLE_ID = '7d0f7c5e-19a4-8b7e-8c3d-2f4b6a8c0e12';

export const expectedVersion = z
  .number()
  .int()
  .min(0)
  .optional()
  .describe('Refused with 409 when it has another version by now; 0: there must be none yet');
