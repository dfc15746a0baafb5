import { z } from 'zod';
import { command, query } from '../contract';
import * as f from '../fields';
import { deadLetterFilter, deadLetterId, deadLetterStatus } from './dead-letters';

const context = 'messaging' as const;

/** Letters one operation may concern. */
export const OPERATION_LETTERS_MAX = 5_000;
const NAMED_MAX = 1_000;

const action = z.enum(['redrive', 'discard', 'purge']);
export type LetterAction = z.output<typeof action>;

const filter = z.strictObject({
  ...deadLetterFilter,
  /** Beside what the action allows. */
  status: deadLetterStatus.optional(),
  dead_letter_ids: z.array(deadLetterId).min(1).max(NAMED_MAX).optional(),
  /** Of `purge`: exclusive, when it was handled or discarded. */
  resolved_before: f.instant.optional(),
});
export type LetterFilter = z.output<typeof filter>;

const operationId = f.externalId;
const ticket = f.checksum.describe('Of the very letters that were shown');
const includeUnresolved = z
  .boolean()
  .optional()
  .describe('Of purge: also what is neither handled nor discarded; it is discarded with it');

export const startLetterOperation = command({
  context,
  name: 'StartDeadLetterOperation',
  summary: 'Redrive, discard or purge many dead letters: those that fit now, one after the other',
  idField: 'operation_id',
  data: z.strictObject({
    operation_id: operationId,
    action,
    filter,
    reason: f.line(500),
    ticket: ticket.optional().describe('Refused when other letters fit than the preview showed'),
    expected_count: z.number().int().min(1).max(OPERATION_LETTERS_MAX).optional(),
    rate_per_second: z.number().min(0.1).max(500).default(10),
    stop_after_failures: z
      .number()
      .int()
      .min(1)
      .max(OPERATION_LETTERS_MAX)
      .optional()
      .describe('Of redrive: it ends itself when so many have failed again'),
    include_unresolved: includeUnresolved,
  }),
  answer: z.object({ operation_id: operationId, count: z.number().int() }),
  example: {
    operation_id: 'redrive-after-fix',
    action: 'redrive',
    filter: { cause: '5f1d3a90c2b44e17' },
    reason: 'the bug is fixed',
    rate_per_second: 20,
  },
  http: { method: 'POST', path: '/messages/dead-letter-operations' },
});

export const abortLetterOperation = command({
  context,
  name: 'AbortDeadLetterOperation',
  summary: 'Leave alone the dead letters an operation has not come to; what is sent stays sent',
  idField: 'operation_id',
  data: z.strictObject({ operation_id: operationId, reason: f.line(500) }),
  answer: z.object({ operation_id: operationId }),
  example: { operation_id: 'redrive-after-fix', reason: 'it fails again' },
  http: { method: 'POST', path: '/messages/dead-letter-operations/{operation_id}/abort' },
});

export const previewLetterOperation = query({
  context,
  name: 'preview-dead-letter-operation',
  summary: 'The very letters an operation would concern if it were started now; changes nothing',
  input: z.strictObject({
    action,
    filter,
    include_unresolved: includeUnresolved,
    limit: f.pageLimit.describe('Of the sample'),
  }),
  answer: z.object({
    count: z.number().int(),
    ticket: ticket.optional().describe('Absent when none fits, or more than one operation takes'),
    sample: z
      .array(
        z.object({
          dead_letter_id: deadLetterId,
          subject: z.string(),
          consumer: z.string(),
          reason: z.string(),
          sent_to: z.string().optional().describe('Of redrive'),
          is_consumer_known: z.boolean(),
          schema: z.string(),
          faults: z.array(z.object({ field: z.string(), message: z.string() })),
        }),
      )
      .describe('The first of them, in the order in which they are taken; 20 at most'),
  }),
  http: { method: 'POST', path: '/messages/dead-letter-operation-preview' },
});

const operation = z.object({
  operation_id: operationId,
  action,
  filter: f.jsonObject,
  reason: z.string(),
  rate_per_second: z.number(),
  status: z.enum(['running', 'completed', 'aborted']),
  count: z.number().int(),
  /** Asked, and agreed to: of redrive, what is sent or about to be. */
  accepted: z.number().int(),
  refused: z.number().int(),
  remaining: z.number().int().describe('It has not come to these'),
  handled: z.number().int().describe('Of redrive: those that their consumer has handled'),
  failed_again: z.number().int().describe('Of redrive: those that are back in quarantine'),
  started_at: f.instant,
  started_by: z.string(),
  ended_at: f.instant.optional(),
  aborted_because: z.string().optional(),
});

export const listLetterOperations = query({
  context,
  name: 'list-dead-letter-operations',
  summary: 'Operations on many dead letters, newest first, and how far each has come',
  input: z.strictObject({ limit: f.pageLimit, cursor: f.cursor }),
  answer: z.object({ operations: z.array(operation), next_cursor: f.nextCursor }),
  http: { method: 'GET', path: '/messages/dead-letter-operations' },
});

export const getLetterOperation = query({
  context,
  name: 'get-dead-letter-operation',
  summary: 'One operation, and what became of each letter, in order',
  input: z.strictObject({ operation_id: operationId, limit: f.pageLimit, cursor: f.cursor }),
  answer: z.object({
    operation,
    items: z.array(
      z.object({
        dead_letter_id: deadLetterId,
        status: z.enum(['waiting', 'accepted', 'refused']),
        /** Why it was refused. */
        code: z.string().optional(),
      }),
    ),
    next_cursor: f.nextCursor,
  }),
  http: { method: 'GET', path: '/messages/dead-letter-operations/{operation_id}' },
});

export const letterOperationCommands = [startLetterOperation, abortLetterOperation] as const;
export const letterOperationQueries = [
  previewLetterOperation,
  listLetterOperations,
  getLetterOperation,
] as const;
