import { z } from 'zod';
import { command, query } from '../contract';
import * as f from '../fields';
import { ALERT_EXAMPLE_ID, alertId, alertMetric, alertSeverity, alertState } from './alert-fields';

const context = 'observability' as const;
const counted = z.number().int();

export const acknowledgeAlert = command({
  context,
  name: 'AcknowledgeAlert',
  summary:
    'Say that somebody looks after an alert; the next time it fires that has to be said anew',
  idField: 'alert_id',
  data: z.strictObject({
    alert_id: alertId,
    note: f.line(500).optional(),
    episode: counted
      .min(1)
      .optional()
      .describe('Which time it fired is meant; refused with 409 when it is another by now'),
  }),
  answer: z.object({ alert_id: alertId, episode: counted }),
  example: { alert_id: ALERT_EXAMPLE_ID, note: 'I look after it' },
  http: { method: 'POST', path: '/alerts/{alert_id}/acknowledge' },
});

const links = z.object({
  alert: z.string().describe('This alert as it was when it fired'),
  view: z.string().optional().describe('What it is about, as it was when it fired'),
  runbook: z.string().optional(),
});

const alert = z.object({
  alert_id: alertId.describe('The same for the same rule and subject, whenever it fires'),
  rule_id: f.name,
  summary: z.string(),
  state: alertState,
  severity: alertSeverity,
  metric: alertMetric,
  subject: z.string(),
  service_name: z.string().optional(),
  value: z.number().describe('When it fired; of one that is pending, the newest'),
  reason: z.string(),
  episode: counted.describe('Which time it fires; 0: never so far'),
  since: f.instant.describe('Since when the condition holds, or held'),
  fired_at: f.instant.optional(),
  fired_position: counted.optional(),
  resolved_at: f.instant.optional(),
  resolved_because: z.string().optional(),
  acknowledged_at: f.instant.optional(),
  acknowledged_by: z.string().optional(),
  acknowledged_note: z.string().optional(),
  silence_id: z.uuid().optional().describe('Who asked for silence before it fired'),
  links,
});

export const listAlerts = query({
  context,
  name: 'list-alerts',
  summary: 'Alerts, those that changed last first',
  input: z.strictObject({
    state: alertState.optional(),
    severity: alertSeverity.optional(),
    rule_id: f.name.optional(),
    service_name: f.line(200).optional(),
    limit: f.pageLimit,
    cursor: f.cursor,
  }),
  answer: z.object({
    alerts: z.array(alert.describe('Those that are pending are on the first page')),
    counts: z
      .object({
        pending: counted,
        firing: counted,
        silenced: counted,
        resolved: counted,
        unacknowledged: counted.describe('Of those that fire'),
        critical: counted.describe('Of those that fire'),
        warning: counted.describe('Of those that fire'),
        info: counted.describe('Of those that fire'),
      })
      .describe('Of all that the other filters leave, whatever their state'),
    next_cursor: f.nextCursor,
  }),
  http: { method: 'GET', path: '/alerts' },
});

export const getAlert = query({
  context,
  name: 'get-alert',
  summary: 'One alert, the last times it fired, and who was told',
  input: z.strictObject({ alert_id: alertId }),
  answer: z.object({
    alert,
    notices: z
      .array(
        z.object({
          episode: counted,
          kind: z.enum(['fired', 'resolved']),
          at: f.instant,
          position: counted,
          value: z.number().optional(),
          reason: z.string(),
        }),
      )
      .describe('The newest first, 50 at most'),
    deliveries: z
      .array(
        z.object({
          receiver_id: f.name,
          episode: counted,
          kind: z.enum(['fired', 'resolved']),
          status: z.enum(['owed', 'delivered', 'failed']),
          delivery_id: z.uuid().optional(),
          reason: z.string().optional(),
        }),
      )
      .describe('The newest first, 100 at most'),
  }),
  http: { method: 'GET', path: '/alerts/{alert_id}' },
});

export const alertCommands = [acknowledgeAlert] as const;
export const alertQueries = [listAlerts, getAlert] as const;
