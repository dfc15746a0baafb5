import { z } from 'zod';
import { command, query } from '../contract';
import * as f from '../fields';
import { MESSAGE_BYTES_MAX, MESSAGE_PRIORITIES, topicName } from './services';

const context = 'messaging' as const;

/** Its stream keeps messages for a week. */
export const RETENTION_HOURS_MAX = 168;
export const QUEUE_SERVICES_MAX = 100;
const HEADERS_MAX = 64;
const DELAY_SECONDS_MAX = 30 * 86_400;
const TTL_SECONDS_MAX = 7 * 86_400;
/** Of one that is delayed: it stands in a table meanwhile. */
export const SENT_BYTES_MAX = 1_000_000;

export const QUEUE_TYPES = ['topic', 'queue', 'dead_letter'] as const;
export type QueueType = (typeof QUEUE_TYPES)[number];

/** The consumer that all services of a queue share: no service is called so, since names have lower case. */
export const queueConsumer = (queue: string, priority: (typeof MESSAGE_PRIORITIES)[number]) =>
  `QUEUE_${queue}_${priority}`;

/** `*` stands for any part of a name: `order-*`. */
const pattern = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[a-z0-9*-]+$/, 'must be a name of a topic, in which * stands for any characters');

const services = z
  .array(f.name)
  .max(QUEUE_SERVICES_MAX)
  .superRefine(f.noneTwice((name: string) => name));

const monitoring = z.strictObject({
  alert_on_backlog: z.number().int().min(1).max(1_000_000_000).optional(),
  alert_on_processing_time: z
    .number()
    .int()
    .min(1)
    .max(86_400_000)
    .optional()
    .describe('Milliseconds'),
});

const options = {
  message_pattern: pattern
    .optional()
    .describe('Of a `dead_letter` queue: whose dead letters it gets; * is for any characters'),
  producer_services: services
    .optional()
    .describe('Only these may send; default: everyone. Enforced where the suite itself sends'),
  consumer_services: services
    .optional()
    .describe('Are subscribed, as if each had asked for it. Of a `queue`: no other may'),
  retention_hours: z.number().int().min(1).max(RETENTION_HOURS_MAX).optional(),
  max_message_size: z.number().int().min(1).max(MESSAGE_BYTES_MAX).optional().describe('Bytes'),
  dlq_enabled: z
    .boolean()
    .optional()
    .describe('Default true. False: what is given up on is counted as failed, and is not kept'),
  dlq_max_retries: z
    .number()
    .int()
    .min(0)
    .max(1_000)
    .optional()
    .describe('n: a message is delivered n + 1 times at most. Absent: as the subscriber wants'),
  monitoring_config: monitoring.optional(),
};

const told = z.object({ queue_name: topicName });

export const createQueue = command({
  context,
  name: 'CreateQueue',
  summary:
    'Make a queue: `topic` (each consumer service gets each message), `queue` (one of all handles it) or `dead_letter` (gets what others give up on). A topic that services subscribed to becomes one with these options',
  idField: 'queue_name',
  data: z.strictObject({ queue_name: topicName, queue_type: z.enum(QUEUE_TYPES), ...options }),
  answer: z.object({ queue_name: topicName, queue_type: z.enum(QUEUE_TYPES) }),
  example: {
    queue_name: 'order-placed',
    queue_type: 'topic',
    producer_services: ['shop'],
    consumer_services: ['stock'],
    retention_hours: 48,
    dlq_max_retries: 3,
    monitoring_config: { alert_on_backlog: 1_000, alert_on_processing_time: 5_000 },
  },
  http: { method: 'POST', path: '/messages/queues' },
});

export const changeQueue = command({
  context,
  name: 'ChangeQueue',
  summary: 'Change options of a queue; what is left out stays. Its type never changes',
  idField: 'queue_name',
  data: z.strictObject({ queue_name: topicName, ...options }),
  answer: told,
  example: { queue_name: 'order-placed', retention_hours: 24 },
  http: { method: 'PUT', path: '/messages/queues/{queue_name}' },
});

export const removeQueue = command({
  context,
  name: 'RemoveQueue',
  summary: 'Forget a queue and its options, and end the subscriptions of its consumers',
  idField: 'queue_name',
  data: z.strictObject({ queue_name: topicName, reason: f.line(500) }),
  answer: told,
  example: { queue_name: 'order-placed', reason: 'replaced by order-received' },
  http: { method: 'POST', path: '/messages/queues/{queue_name}/remove' },
});

const headers = z
  .record(
    z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/, 'must be a name of a header'),
    f.line(1_024),
  )
  .refine((all) => Object.keys(all).length <= HEADERS_MAX, `must not be more than ${HEADERS_MAX}`)
  .refine(
    (all) => Object.keys(all).every((name) => !/^(nats-|downbeat-|ce-)|^traceparent$/i.test(name)),
    'must not begin with nats-, downbeat- or ce-, nor be traceparent',
  );

export const MESSAGE_SENT_STATUSES = ['queued', 'delayed', 'failed'] as const;

export const sendMessage = command({
  context,
  name: 'SendMessage',
  summary:
    'Send a message to a queue, now or later, for ever or for a time. The same `message_id` again leaves one',
  idField: 'queue_name',
  data: z.strictObject({
    queue_name: topicName,
    message_type: f.line(200),
    message_payload: f.payload.describe('Any JSON'),
    correlation_id: f.line(150).optional(),
    headers: headers.optional(),
    delay_seconds: z.number().min(0).max(DELAY_SECONDS_MAX).optional(),
    ttl_seconds: z
      .number()
      .min(0.1)
      .max(TTL_SECONDS_MAX)
      .optional()
      .describe('From when it is on its queue: after that nobody gets it for the first time'),
    from: f.name.optional().describe('The service that sends it. Default: gateway'),
    priority: z.enum(MESSAGE_PRIORITIES).optional().describe('Default: normal'),
    message_id: f.line(150).optional().describe('Default: the id of the command'),
  }),
  answer: z.object({
    message_id: z.string(),
    queue_name: topicName,
    status: z
      .enum(MESSAGE_SENT_STATUSES)
      .describe('What cannot be sent is refused instead, and is nowhere'),
    delayed_id: z.uuid().optional().describe('Of one that is delayed: to cancel it'),
    estimated_processing_time: z
      .string()
      .optional()
      .describe(
        'ISO 8601: in how long it will be handled, judged by what waits; absent while nothing is known',
      ),
  }),
  example: {
    queue_name: 'order-placed',
    message_type: 'order.placed',
    message_payload: { order: '4711' },
    correlation_id: 'cart-7',
    delay_seconds: 60,
    ttl_seconds: 3_600,
    from: 'shop',
  },
  // What is sent to one queue goes in any order.
  isInAnyOrder: true,
  http: { method: 'POST', path: '/messages/send' },
});

export const cancelDelayedMessage = command({
  context,
  name: 'CancelDelayedMessage',
  summary: 'Never send a message that is delayed',
  idField: 'delayed_id',
  data: z.strictObject({ delayed_id: z.uuid(), reason: f.line(500) }),
  answer: z.object({ delayed_id: z.uuid(), message_id: z.string(), queue_name: topicName }),
  example: {
    delayed_id: '0198c2a4-7d1e-7c3b-9a52-3f1f0a9f3c11',
    reason: 'the order was cancelled',
  },
  http: { method: 'POST', path: '/messages/delayed/{delayed_id}/cancel' },
});

const seconds = z.number().min(0);
const ms = z.number().min(0);

/** Kinds of streams of the suite's own. */
export const QUEUE_KINDS = ['service', 'suite'] as const;

const shownQueue = z.object({
  id: z.string(),
  queue_name: z.string(),
  queue_type: z.enum([...QUEUE_TYPES, 'stream']).describe('`stream`: one of the suite itself'),
  kind: z.enum(QUEUE_KINDS),
  message_pattern: z.string().optional(),
  message_count: z
    .number()
    .int()
    .describe('Not settled by everyone who shall have it. `?at=`: as far as it was recorded'),
  delayed_count: z.number().int(),
  consumer_count: z.number().int().describe('Services'),
  consumers: z.array(
    z.object({
      service_name: z.string(),
      pending: z.number().int().describe('Not delivered yet'),
      in_hand: z.number().int().describe('Delivered and not acknowledged'),
      pulling: z.number().int().describe('Requests of its instances that wait for messages'),
      consumed: z.number().int(),
      dead_letters: z.number().int(),
    }),
  ),
  producer_count: z.number().int(),
  producers: z.array(z.string()),
  produced_count: z.number().int().describe('Messages, each once however often it was sent'),
  consumed_count: z.number().int().describe('Once per message and consumer'),
  duplicate_count: z.number().int().describe('Kept once more under the same message id'),
  redelivery_count: z.number().int(),
  expired_count: z.number().int(),
  failed_count: z.number().int().describe('Given up on, and not kept'),
  dlq_message_count: z.number().int(),
  messages_per_minute: z.number(),
  avg_processing_time_ms: z.number(),
  retention_hours: z.number(),
  max_message_size: z.number().int(),
  dlq_enabled: z.boolean(),
  dlq_max_retries: z.number().int().optional(),
  monitoring_config: monitoring,
  is_active: z.boolean().describe('Somebody consumes it'),
  is_declared: z.boolean().describe('False: it is there because services subscribed or sent'),
});

export const listQueues = query({
  context,
  name: 'list-queues',
  summary: 'Queues, how full they are, who sends and who consumes, and how fast',
  input: z.strictObject({
    queue_name: topicName.optional(),
    queue_type: z.enum(QUEUE_TYPES).optional(),
    service_name: f.name.optional().describe('Which it sends to or consumes'),
    kind: z.enum(QUEUE_KINDS).optional().describe('Default service; suite: streams of its own'),
    limit: f.pageLimit,
    cursor: f.cursor,
  }),
  answer: z.object({
    queues: z.array(shownQueue),
    queue_stats: z.object({
      total_queues: z.number().int(),
      total_messages_processed_1h: z.number().int(),
      avg_processing_time_ms: z.number(),
      failed_message_rate: z.number().min(0).max(1).describe('Of what ended in the last hour'),
    }),
    next_cursor: f.nextCursor,
  }),
  http: { method: 'GET', path: '/messages/queues' },
});

export const MESSAGE_STATUSES = [
  'produced',
  'delivered',
  'consumed',
  'failed',
  'dead_letter',
  'expired',
  'delayed',
] as const;
export type QueueMessageStatus = (typeof MESSAGE_STATUSES)[number];

const shownMessage = z.object({
  id: z.string(),
  message_id: z.string(),
  correlation_id: z.string().optional(),
  trace_id: z.string().optional(),
  producer_service: z.string(),
  consumer_service: z.string().optional().describe('Absent while nobody has it'),
  message_type: z.string(),
  priority: z.string(),
  message_size_bytes: z.number().int(),
  status: z.enum(MESSAGE_STATUSES),
  retry_count: z.number().int(),
  copies: z.number().int().describe('How often it was kept; more than 1: sent again later'),
  processing_time_ms: ms.optional(),
  error_message: z.string().optional(),
  dead_letter_id: z.string().optional(),
  produced_at: f.instant,
  consumed_at: f.instant.optional(),
  expires_at: f.instant.optional(),
  due_at: f.instant.optional().describe('Of one that is delayed'),
  headers: z.record(z.string(), z.string()).describe('Secrets are left out'),
});

export const listQueueMessages = query({
  context,
  name: 'list-queue-messages',
  summary: 'Messages of a queue, one line for each consumer service, newest first',
  input: z.strictObject({
    queue_name: topicName,
    status: z.enum(MESSAGE_STATUSES).optional(),
    service_name: f.name.optional().describe('Who sent it or consumes it'),
    message_id: f.line(150).optional(),
    correlation_id: f.line(150).optional(),
    start_time: f.instant.optional(),
    end_time: f.instant.optional(),
    limit: f.pageLimit,
    cursor: f.cursor,
  }),
  answer: z.object({
    messages: z.array(shownMessage),
    queue_metrics: z.object({
      total_messages: z.number().int(),
      pending_messages: z.number().int(),
      processing_messages: z.number().int(),
      failed_messages: z.number().int().describe('Given up on: dead letters and failed ones'),
      average_age_seconds: seconds.describe('Of those that wait'),
    }),
    next_cursor: f.nextCursor,
  }),
  http: { method: 'GET', path: '/messages/queues/{queue_name}/messages' },
});

export const getQueueMessage = query({
  context,
  name: 'get-queue-message',
  summary: 'One message of a queue, with its payload as long as its stream has it',
  input: z.strictObject({ queue_name: topicName, message_id: f.line(150) }),
  answer: z.object({
    messages: z.array(shownMessage).describe('One for each consumer service'),
    payload: f.json.optional().describe('Absent when it is gone, no JSON or longer than 256 KiB'),
    payload_state: z.enum(['kept', 'gone', 'not-json', 'too-large']),
  }),
  http: { method: 'GET', path: '/messages/queues/{queue_name}/messages/{message_id}' },
});

export const listDelayedMessages = query({
  context,
  name: 'list-delayed-messages',
  summary: 'Messages that are to be sent later, the next one first',
  input: z.strictObject({
    queue_name: topicName.optional(),
    limit: f.pageLimit,
    cursor: f.cursor,
  }),
  answer: z.object({
    messages: z.array(
      z.object({
        delayed_id: z.uuid(),
        message_id: z.string(),
        queue_name: topicName,
        from: z.string(),
        message_type: z.string(),
        due_at: f.instant,
        delayed_at: f.instant,
      }),
    ),
    next_cursor: f.nextCursor,
  }),
  http: { method: 'GET', path: '/messages/delayed' },
});

export const queueMeasurements = query({
  context,
  name: 'queue-measurements',
  presentOnly: 'it is measured on the server, which knows no past',
  summary: 'What alerts about queues are judged by, of each queue now',
  input: z.strictObject({ queue_name: topicName.optional() }),
  answer: z.object({
    queues: z
      .array(
        z.object({
          queue_name: z.string(),
          depth: z.number().int(),
          oldest_age_seconds: seconds,
          processing_time_ms: ms.describe('Mean of the last five minutes'),
          dead_letters: z.number().int(),
          backlog_threshold: z.number().int().optional(),
          processing_time_threshold_ms: z.number().int().optional(),
          is_backlog_exceeded: z.boolean(),
          is_processing_time_exceeded: z.boolean(),
        }),
      )
      .describe('1,000 at most'),
  }),
  http: { method: 'GET', path: '/messages/queue-measurements' },
});

export const queueCommands = [
  createQueue,
  changeQueue,
  removeQueue,
  sendMessage,
  cancelDelayedMessage,
] as const;

export const queueQueries = [
  listQueues,
  listQueueMessages,
  getQueueMessage,
  listDelayedMessages,
  queueMeasurements,
] as const;
