import { z } from 'zod';
import { command, query } from '../contract';
import * as f from '../fields';
import { topicName } from './services';

const context = 'messaging' as const;

const COUNTED_HOURS = 24;

export const deadLetterStatus = z.enum(['quarantined', 'redriving', 'redriven', 'discarded']);
export type DeadLetterStatus = z.output<typeof deadLetterStatus>;

export const deadLetterId = z.uuid();

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
  redrives: z.number().int().describe('How often it was sent again'),
  revision: z
    .number()
    .int()
    .describe('The newest text to be sent: 1 is the original, which is what is shown here'),
  is_purged: z.boolean().describe('Body, headers and the exact reason are gone for ever'),
  trace_id: z.string().optional().describe('Of the trace that the message belongs to'),
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

/** By what letters are found, beside their status. */
export const deadLetterFilter = {
  consumer: f.line(200).optional(),
  cause: f.line(64).optional(),
  service_name: f.name.optional(),
  topic: topicName.optional(),
  subject: f.line(500).optional(),
  correlation_id: f.line(200).optional(),
  /** Anywhere in the reason, the subject or the message's id, in capitals or not. */
  text: f.line(200).optional(),
  /** Inclusive: when it was given up on. */
  quarantined_from: f.instant.optional(),
  /** Exclusive. */
  quarantined_before: f.instant.optional(),
};

export const listDeadLetters = query({
  context,
  name: 'list-dead-letters',
  summary: 'Messages that were given up on, newest first, and their causes',
  input: z.strictObject({
    ...deadLetterFilter,
    status: deadLetterStatus.optional(),
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
        sample_id: deadLetterId.describe('The newest of them'),
        per_hour: z
          .array(z.number().int())
          .length(COUNTED_HOURS)
          .describe('How many came in each hour of the last day, the newest last'),
      }),
    ),
    by_status: z
      .record(deadLetterStatus, z.number().int())
      .describe('How many there are of each status, whatever status was asked for'),
    total_count: z.number().int(),
    next_cursor: f.nextCursor,
  }),
  http: { method: 'GET', path: '/messages/dead-letters' },
});

export const getDeadLetter = query({
  context,
  name: 'get-dead-letter',
  summary: 'One dead letter, and what was done about it',
  input: z.strictObject({ dead_letter_id: deadLetterId }),
  answer: deadLetter.extend({
    history: z
      .array(
        z.object({
          what: z.enum([
            'quarantined',
            'edited',
            'redriven',
            'handled',
            'failed-again',
            'discarded',
            'purged',
          ]),
          at: f.instant,
          by: z.string().describe('Who decided it; messaging for what was only seen'),
          reason: z.string().optional(),
          redrive: z.number().int().optional(),
          revision: z.number().int().optional(),
          operation_id: z.string().optional(),
        }),
      )
      .describe('Oldest first; the newest 200'),
  }),
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

export const purgeDeadLetter = command({
  context,
  name: 'PurgeDeadLetter',
  summary: 'Forget what a dead letter says: body, headers and exact reason are gone for ever',
  idField: 'dead_letter_id',
  data: z.strictObject({
    dead_letter_id: deadLetterId,
    reason: f.line(500),
    include_unresolved: z
      .boolean()
      .optional()
      .describe('Also one that is neither handled nor discarded; it is discarded with it'),
  }),
  answer: z.object({ dead_letter_id: deadLetterId, status: deadLetterStatus }),
  example: {
    dead_letter_id: '0198c2a4-7d1e-7c3b-9a52-3f1f0a9f3c11',
    reason: 'a card number in it',
  },
  http: { method: 'POST', path: '/messages/dead-letters/{dead_letter_id}/purge' },
});
