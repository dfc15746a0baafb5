import { z } from 'zod';
import { command, query } from '../contract';
import * as f from '../fields';
import { alertSeverity, expectedVersion } from './alert-fields';

const context = 'observability' as const;
const counted = z.number().int();

/** Which of its settings or mounted files the health process may sign with: no other ones. */
const secretReference = z.strictObject({
  $secret: z.strictObject({
    ref: z
      .string()
      .max(200)
      .regex(
        /^(env:ALERTS_SECRET_[A-Z0-9_]+|file:\/run\/secrets\/alerts[A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*)$/,
        'must be env:ALERTS_SECRET_<NAME> or file:/run/secrets/alerts<name>',
      ),
  }),
});

const settings = {
  url: f.httpUrl,
  secret: secretReference.describe('Where the key is that webhooks are signed with'),
  severity_min: alertSeverity.default('info'),
  rule_ids: z
    .array(f.name)
    .max(100)
    .superRefine(f.noneTwice((one: string) => one))
    .optional(),
  is_told_of_resolved: z.boolean().default(true),
  is_enabled: z.boolean().default(true),
};

const answer = z.object({ receiver_id: f.name, version: counted });

export const putAlertReceiver = command({
  context,
  name: 'PutAlertReceiver',
  summary: 'Say where alerts are sent; an address that may not be called is refused',
  idField: 'receiver_id',
  data: z.strictObject({ receiver_id: f.name, ...settings, expected_version: expectedVersion }),
  answer,
  example: {
    receiver_id: 'on-call',
    url: 'https://pager.example.com/downbeat',
    secret: { $secret: { ref: 'env:ALERTS_SECRET_ON_CALL' } },
    severity_min: 'warning',
  },
  http: { method: 'PUT', path: '/alert-receivers/{receiver_id}' },
});

export const removeAlertReceiver = command({
  context,
  name: 'RemoveAlertReceiver',
  summary: 'Send no alerts there any more; what is owed is given up',
  idField: 'receiver_id',
  data: z.strictObject({ receiver_id: f.name, expected_version: expectedVersion }),
  answer,
  example: { receiver_id: 'on-call' },
  http: { method: 'DELETE', path: '/alert-receivers/{receiver_id}' },
});

const outcome = z.object({
  is_delivered: z.boolean(),
  status: counted.optional().describe('Of the answer over HTTP, when there was one'),
  reason: z.string(),
});

export const testAlertReceiver = command({
  context,
  name: 'TestAlertReceiver',
  summary: 'Send a signed test there now, once, and say what became of it',
  idField: 'receiver_id',
  data: z.strictObject({ receiver_id: f.name }),
  answer: outcome.extend({ receiver_id: f.name, delivery_id: z.uuid() }),
  example: { receiver_id: 'on-call' },
  http: { method: 'POST', path: '/alert-receivers/{receiver_id}/test' },
});

const receiver = z.object({
  receiver_id: f.name,
  ...settings,
  version: counted,
  changed_at: f.instant,
  changed_by: z.string(),
  last_test: outcome.extend({ at: f.instant }).optional(),
});

export const listAlertReceivers = query({
  context,
  name: 'list-alert-receivers',
  summary: 'Where alerts are sent; 100 at most',
  input: z.strictObject({}),
  answer: z.object({ receivers: z.array(receiver) }),
  http: { method: 'GET', path: '/alert-receivers' },
});

export const getAlertReceiver = query({
  context,
  name: 'get-alert-receiver',
  summary: 'One receiver of alerts',
  input: z.strictObject({ receiver_id: f.name }),
  answer: receiver,
  http: { method: 'GET', path: '/alert-receivers/{receiver_id}' },
});

export const deliveryStatus = z
  .enum(['prepared', 'delivered', 'failed'])
  .describe('prepared: it is, or will be, tried. failed: it was given up');

export const listAlertDeliveries = query({
  context,
  name: 'list-alert-deliveries',
  summary: 'What was sent to whom, and what could not be; newest first',
  input: z.strictObject({
    receiver_id: f.name.optional(),
    status: deliveryStatus.optional(),
    limit: f.pageLimit,
    cursor: f.cursor,
  }),
  answer: z.object({
    deliveries: z.array(
      z.object({
        delivery_id: z.uuid().describe('The same for every attempt, as `Downbeat-Delivery` is'),
        receiver_id: f.name,
        status: deliveryStatus,
        alerts: counted,
        attempts: counted,
        prepared_at: f.instant,
        next_attempt_at: f.instant.optional(),
        ended_at: f.instant.optional(),
        last_reason: z.string().optional(),
      }),
    ),
    owed_count: counted.describe('Notices that are in no delivery yet'),
    next_cursor: f.nextCursor,
  }),
  http: { method: 'GET', path: '/alert-deliveries' },
});

export const receiverCommands = [putAlertReceiver, removeAlertReceiver, testAlertReceiver] as const;
export const receiverQueries = [listAlertReceivers, getAlertReceiver, listAlertDeliveries] as const;
