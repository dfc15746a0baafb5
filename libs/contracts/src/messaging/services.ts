import { z } from 'zod';
import { command, query } from '../contract';
import * as f from '../fields';

const context = 'messaging' as const;

/** How soon a message is handled, in relation to others of its topic; in this order. */
export const MESSAGE_PRIORITIES = ['critical', 'high', 'normal', 'low'] as const;
export type MessagePriority = (typeof MESSAGE_PRIORITIES)[number];

/** Of payload and headers together; a server whose `max_payload` is smaller takes less. */
export const MESSAGE_BYTES_MAX = 1_048_576;

/** How long its stream knows a message that is published again: by its sender, topic, id and content. */
export const PUBLISHED_ONCE_WITHIN_MS = 120_000;

const TOPICS_MAX = 100;

/** One token of a subject: lower-case letters, digits and hyphens. */
export const topicName = z
  .string()
  .max(64)
  .regex(
    /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/,
    'must be lower-case letters and digits, joined by hyphens',
  );

/** Where a message goes. */
export const messageSubject = (priority: MessagePriority, topic: string): string =>
  `message.${priority}.${topic}`;

/** To every instance that listens now; kept nowhere. */
export const broadcastSubject = (topic: string): string => `broadcast.${topic}`;

/** The stream that holds messages. */
export const MESSAGE_STREAM = 'message';

/** The durable consumer that the instances of a service share, for one topic and priority. */
export const messageConsumer = (
  service: string,
  topic: string,
  priority: MessagePriority,
): string => `${service}_${topic}_${priority}`;

/** The one for dead letters of the topic that are sent again to the service. */
export const redrivenConsumer = (service: string, topic: string): string =>
  `${service}_${topic}_redriven`;

/** What that one reads; behind it come priority and topic. */
export const redrivenLead = (service: string): string => `message.redriven.${service}.`;

const topics = z
  .array(topicName)
  .min(1)
  .max(TOPICS_MAX)
  .superRefine(f.noneTwice((topic: string) => topic));

export const subscribeService = command({
  context,
  name: 'SubscribeService',
  summary:
    'Have messages of topics kept for a service, from now on. Equal ones asked for at once take effect together: then only the id of one of them is remembered',
  idField: 'service_name',
  data: z.strictObject({ service_name: f.name, topics }),
  answer: z.object({
    service_name: f.name,
    stream_created: z
      .string()
      .describe('Another one than before: the stream was lost, and what it held with it'),
    shared: z
      .array(topicName)
      .optional()
      .describe('Those of the topics that are queues: pull from `QUEUE_<queue>_<priority>`'),
    deliveries_max: z
      .record(z.string(), z.number().int())
      .optional()
      .describe('By topic, where its queue says so: then it is to become a dead letter'),
  }),
  example: { service_name: 'stock', topics: ['order-placed'] },
  // All instances of a service ask it when they start: those that wait are answered together.
  isInAnyOrder: true,
  http: { method: 'POST', path: '/messages/subscriptions/{service_name}' },
});

export const unsubscribeService = command({
  context,
  name: 'UnsubscribeService',
  summary: 'Keep no more messages of topics for a service, and forget those it has not handled',
  idField: 'service_name',
  data: z.strictObject({ service_name: f.name, topics, reason: f.line(500) }),
  answer: z.object({ service_name: f.name }),
  example: { service_name: 'stock', topics: ['order-placed'], reason: 'was shut down for good' },
  http: { method: 'POST', path: '/messages/subscriptions/{service_name}/end' },
});

export const publishMessage = command({
  context,
  name: 'PublishMessage',
  summary:
    'Have a message kept for every service that has subscribed to its topic. The same `from`, `message_id` and `message` again within two minutes leave one; later they are kept once more, and receivers know them by the id',
  idField: 'topic',
  data: z.strictObject({
    topic: topicName,
    from: f.name.describe('The service that sends it'),
    message: f.payload,
    priority: z.enum(MESSAGE_PRIORITIES).optional().describe('Default: normal'),
    message_id: f
      .line(150)
      .optional()
      .describe(
        'The same for every repetition of one message, which leaves one within two minutes. Default: the id of the command',
      ),
  }),
  answer: z.object({ topic: topicName, message_id: z.string() }),
  example: { topic: 'order-placed', from: 'shop', message: { order: '4711' }, priority: 'high' },
  http: { method: 'POST', path: '/messages/topics/{topic}' },
});

const place = {
  service_name: f.name,
  stream_created: f.line(100),
  stream_sequence: z.number().int().min(1),
};

export const quarantineMessage = command({
  context,
  name: 'QuarantineMessage',
  summary: 'Set a message aside that a service cannot handle: it becomes a dead letter',
  idField: 'service_name',
  data: z.strictObject({
    ...place,
    attempts: z.number().int().min(1).max(1_000_000),
    error: f.line(500),
  }),
  answer: z.object({ service_name: f.name, dead_letter_id: z.uuid() }),
  example: {
    service_name: 'stock',
    stream_created: '2026-03-01T09:30:00.000Z',
    stream_sequence: 4711,
    attempts: 10,
    error: 'no such warehouse',
  },
  http: { method: 'POST', path: '/messages/subscriptions/{service_name}/quarantine' },
});

export const confirmRedriven = command({
  context,
  name: 'ConfirmRedriven',
  summary: 'Say that a dead letter that was sent again has been handled',
  idField: 'service_name',
  data: z.strictObject(place),
  answer: z.object({ service_name: f.name }),
  example: {
    service_name: 'stock',
    stream_created: '2026-03-01T09:30:00.000Z',
    stream_sequence: 4712,
  },
  http: { method: 'POST', path: '/messages/subscriptions/{service_name}/redriven' },
});

export const listSubscriptions = query({
  context,
  name: 'list-subscriptions',
  summary: 'Which services have messages of which topics kept for them',
  input: z.strictObject({
    service_name: f.name.optional(),
    topic: topicName.optional(),
    limit: f.pageLimit,
    cursor: f.cursor,
  }),
  answer: z.object({
    subscriptions: z.array(
      z.object({ service_name: f.name, topic: topicName, subscribed_at: f.instant }),
    ),
    next_cursor: f.nextCursor,
  }),
  http: { method: 'GET', path: '/messages/subscriptions' },
});
