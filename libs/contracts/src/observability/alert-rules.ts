import { z } from 'zod';
import { command, query } from '../contract';
import * as f from '../fields';
import {
  alertId,
  alertRuleDefinition,
  alertSeverity,
  alertMetric,
  expectedVersion,
} from './alert-fields';

const context = 'observability' as const;
const answer = z.object({ rule_id: f.name, version: z.number().int() });

export const putAlertRule = command({
  context,
  name: 'PutAlertRule',
  summary: 'Say when people are to be alerted; one that is built in is changed the same way',
  idField: 'rule_id',
  data: z.strictObject({
    rule_id: f.name,
    ...alertRuleDefinition,
    expected_version: expectedVersion,
  }),
  answer,
  example: {
    rule_id: 'billing-breaker-open',
    summary: 'The way to billing is closed',
    condition: {
      metric: 'breaker_open_seconds',
      comparison: 'above',
      threshold: 120,
      service_name: 'billing',
    },
    for_seconds: 30,
    severity: 'critical',
    runbook: 'docs/alerts.md#breaker-open',
  },
  http: { method: 'PUT', path: '/alert-rules/{rule_id}' },
});

export const removeAlertRule = command({
  context,
  name: 'RemoveAlertRule',
  summary: 'Forget a rule; one that is built in is as it was built in again',
  idField: 'rule_id',
  data: z.strictObject({ rule_id: f.name, expected_version: expectedVersion }),
  answer,
  example: { rule_id: 'billing-breaker-open' },
  http: { method: 'DELETE', path: '/alert-rules/{rule_id}' },
});

const rule = z.object({
  rule_id: f.name,
  ...alertRuleDefinition,
  version: z.number().int().describe('How often it was said; 0: built in and never changed'),
  is_built_in: z.boolean(),
  changed_at: f.instant.optional(),
  changed_by: z.string().optional(),
});

export const listAlertRules = query({
  context,
  name: 'list-alert-rules',
  summary: 'All rules, those that are built in among them; 500 at most',
  input: z.strictObject({}),
  answer: z.object({ rules: z.array(rule), metrics: z.record(alertMetric, z.string()) }),
  http: { method: 'GET', path: '/alert-rules' },
});

export const getAlertRule = query({
  context,
  name: 'get-alert-rule',
  summary: 'One rule',
  input: z.strictObject({ rule_id: f.name }),
  answer: rule,
  http: { method: 'GET', path: '/alert-rules/{rule_id}' },
});

export const previewAlertRule = query({
  context,
  name: 'preview-alert-rule',
  summary: 'Whether a rule would fire now, and of what; nothing is kept',
  input: z.strictObject({ rule_id: f.name.default('preview'), ...alertRuleDefinition }),
  answer: z.object({
    is_measured: z.boolean().describe('False: nobody could say how it is now'),
    would_fire: z.boolean().describe('For some subject the condition holds now'),
    subjects: z
      .array(
        z.object({
          alert_id: alertId,
          subject: z.string(),
          service_name: z.string().optional(),
          value: z.number(),
          severity: alertSeverity,
          is_met: z.boolean(),
          reason: z.string(),
        }),
      )
      .describe('Whatever its filter takes, those first of which it holds; 200 at most'),
    subjects_omitted: z.number().int(),
    last_24_hours: z.object({
      is_known: z.boolean(),
      times: z.number().int().optional(),
      explanation: z.string(),
    }),
  }),
  http: { method: 'POST', path: '/alert-rules/preview' },
});

export const alertRuleCommands = [putAlertRule, removeAlertRule] as const;
export const alertRuleQueries = [listAlertRules, getAlertRule, previewAlertRule] as const;
