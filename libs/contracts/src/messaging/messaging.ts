import { z } from 'zod';
import { command, query } from '../contract';
import * as f from '../fields';
import { queueCommands, queueQueries } from './queues';
import { deadLetterCommands, deadLetterQueries } from './dead-letters';
import { dryRunDeadLetter, editDeadLetter, getDeadLetterRevision } from './dead-letter-edits';
import { letterOperationCommands, letterOperationQueries } from './dead-letter-operations';
import {
  discardDeadLetter,
  getDeadLetter,
  listDeadLetters,
  purgeDeadLetter,
  redriveDeadLetter,
} from './dead-letters';
import {
  confirmRedriven,
  listSubscriptions,
  publishMessage,
  quarantineMessage,
  subscribeService,
  unsubscribeService,
} from './services';

export * from './queues';
export * from './dead-letter-edits';
export * from './dead-letter-operations';
export * from './dead-letters';
export * from './services';

const deadLetterCommands = [
  redriveDeadLetter,
  discardDeadLetter,
  editDeadLetter,
  purgeDeadLetter,
  ...letterOperationCommands,
] as const;
const deadLetterQueries = [
  listDeadLetters,
  getDeadLetter,
  getDeadLetterRevision,
  dryRunDeadLetter,
  ...letterOperationQueries,
] as const;
const context = 'messaging' as const;

export const deadLetterStatus = z.enum(['quarantined', 'redriving', 'redriven', 'discarded']);
export type DeadLetterStatus = z.output<typeof deadLetterStatus>;

const deadLetterId = z.uuid();

export const deadLetter = z.object({
  id: deadLetterId,
  subject: z.string().describe('Where the message was sent first'),
  consumer: z.string().describe('Who gave up on it, and gets it again when it is redriven'),
  message_id: z.string(),
  service_name: f.name.optional().describe('Of a message between services: whose handler failed'),
  topic: topicName.optional().describe('Of a message between services'),
  reason: z.string().describe('Why it was given up on; names the field where a field was wrong'),
  cause: z.string().describe('The same for all dead letters with the same cause'),
  attempts: z.number().int().describe('Deliveries, those of redrives included'),
  status: deadLetterStatus,
  headers: z.record(z.string(), z.string()).describe('64 at most, each cut to 1,024 characters'),
  body: z
    .string()
    .describe('The message exactly as it came: its text, or its bytes in base64 when not UTF-8'),
  body_encoding: z.enum(['utf-8', 'base64']).describe('How `body` is to be read'),
  body_bytes: z.number().int().describe('Of the whole message'),
  is_body_cut: z
    .boolean()
    .describe('`body` is only the beginning: 16 KiB in a list, 128 KiB of one letter'),
  body_json: f.json
    .optional()
    .describe(
      'The whole body parsed, for reading: numbers are those of IEEE 754. Absent when it is cut, or no JSON within the limits of a command',
    ),
  correlation_id: z.string().optional(),
  quarantined_at: f.instant,
  resolved_at: f.instant.optional().describe('When it was redriven or discarded'),
  resolution: z.string().optional().describe('How its last redrive ended, or why it was discarded'),
});

export const listDeadLetters = query({
  context,
  name: 'list-dead-letters',
  summary: 'Messages that were given up on, newest first, and their causes',
  presentOnly: 'dead letters are messages that wait, not events',
  input: z.strictObject({
    status: deadLetterStatus.optional(),
    consumer: f.line(200).optional(),
    cause: f.line(64).optional(),
    limit: f.pageLimit,
    cursor: f.cursor,
  }),
  answer: z.object({
    dead_letters: z.array(deadLetter),
    groups: z.array(
      z.object({
        cause: z.string(),
        consumer: z.string(),
        reason: z.string(),
        count: z.number().int(),
        first_at: f.instant,
        last_at: f.instant,
      }),
    ),
    total_count: z.number().int(),
    next_cursor: f.nextCursor,
  }),
  http: { method: 'GET', path: '/messages/dead-letters' },
});

export const getDeadLetter = query({
  context,
  name: 'get-dead-letter',
  summary: 'One dead letter',
  presentOnly: 'dead letters are messages that wait, not events',
  input: z.strictObject({ dead_letter_id: deadLetterId }),
  answer: deadLetter,
  http: { method: 'GET', path: '/messages/dead-letters/{dead_letter_id}' },
});

export const redriveDeadLetter = command({
  context,
  name: 'RedriveDeadLetter',
  summary: 'Send a dead letter to its consumer again',
  idField: 'dead_letter_id',
  data: z.strictObject({ dead_letter_id: deadLetterId, reason: f.line(500).optional() }),
  answer: z.object({ dead_letter_id: deadLetterId, status: deadLetterStatus }),
  example: { dead_letter_id: '0198c2a4-7d1e-7c3b-9a52-3f1f0a9f3c11', reason: 'the bug is fixed' },
  http: { method: 'POST', path: '/messages/dead-letters/{dead_letter_id}/redrive' },
});

export const discardDeadLetter = command({
  context,
  name: 'DiscardDeadLetter',
  summary: 'Decide that a dead letter will never be handled',
  idField: 'dead_letter_id',
  data: z.strictObject({ dead_letter_id: deadLetterId, reason: f.line(500) }),
  answer: z.object({ dead_letter_id: deadLetterId, status: deadLetterStatus }),
  example: { dead_letter_id: '0198c2a4-7d1e-7c3b-9a52-3f1f0a9f3c11', reason: 'a test message' },
  http: { method: 'POST', path: '/messages/dead-letters/{dead_letter_id}/discard' },
});

export const messaging = {
  commands: [
    ...deadLetterCommands,
    subscribeService,
    unsubscribeService,
    publishMessage,
    quarantineMessage,
    confirmRedriven,
    ...queueCommands,
  ],
  queries: [listDeadLetters, getDeadLetter, listSubscriptions, ...queueQueries],
  queries: [...deadLetterQueries, listSubscriptions],
  events: [],
} as const;
