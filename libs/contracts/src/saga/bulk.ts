import { z } from 'zod';
import { command, query } from '../contract';
import * as f from '../fields';

const context = 'saga' as const;

/** Runs one operation may concern. */
export const BULK_RUNS_MAX = 5_000;

export const bulkAction = z.enum([
  'retry',
  'compensate',
  'pause',
  'resume',
  'migrate',
  'archive',
  'purge',
]);
export type BulkAction = z.output<typeof bulkAction>;

const filter = {
  status: z.enum(['running', 'completed', 'failed', 'compensating', 'compensated']).optional(),
  workflow_name: f.name.optional(),
  workflow_version: f.version.optional(),
  wedding_id: f.externalId.optional(),
  needs_attention: z.stringbool().or(z.boolean()).optional(),
  /** Inclusive. */
  started_from: f.instant.optional(),
  /** Exclusive. */
  started_before: f.instant.optional(),
};

/** Which runs. One that names nothing is refused: all there are has to be said, with `started_before` for instance. */
export const bulkFilter = z.strictObject(filter);
export type BulkFilter = z.output<typeof bulkFilter>;

const bulkId = f.externalId;

export const startBulkOperation = command({
  context,
  name: 'StartBulkOperation',
  summary: 'Do the same with many runs: those that fit the filter now, one after the other',
  idField: 'bulk_id',
  data: z.strictObject({
    bulk_id: bulkId,
    action: bulkAction,
    filter: bulkFilter,
    reason: f.line(500),
    /** Refused when it is another number: as many as the preview showed. */
    expected_count: z.number().int().min(1).max(BULK_RUNS_MAX).optional(),
    rate_per_second: z.number().min(0.1).max(1_000).default(10),
    /** Of `retry`. */
    max_retries: z.number().int().min(0).max(100).optional(),
    /** Of `migrate`, which needs it, and a filter that names the workflow. */
    to_version: f.version.optional(),
  }),
  answer: z.object({ bulk_id: bulkId, count: z.number().int() }),
  example: {
    bulk_id: 'retry-after-outage',
    action: 'retry',
    filter: { status: 'failed', workflow_name: 'order-goods' },
    reason: 'the stock service is back',
    expected_count: 1_204,
    rate_per_second: 20,
  },
  http: { method: 'POST', path: '/bulk-operations' },
});

export const abortBulkOperation = command({
  context,
  name: 'AbortBulkOperation',
  summary: 'Leave alone the runs an operation has not come to; what is done stays done',
  idField: 'bulk_id',
  data: z.strictObject({ bulk_id: bulkId, reason: f.line(500) }),
  answer: z.object({ bulk_id: bulkId }),
  example: { bulk_id: 'retry-after-outage', reason: 'it fails again' },
  http: { method: 'POST', path: '/bulk-operations/{bulk_id}/abort' },
});

export const previewBulkOperation = query({
  context,
  name: 'preview-bulk-operation',
  summary: 'The very runs an operation would concern if it were started now; changes nothing',
  input: z.strictObject({
    action: bulkAction,
    ...filter,
    /** Of `migrate`. */
    to_version: f.version.optional(),
    limit: f.pageLimit,
    cursor: f.cursor,
  }),
  answer: z.object({
    count: z.number().int(),
    workflow_ids: z.array(z.uuid()),
    /** Of `migrate`: those of this page that would refuse, as they stand now. */
    refused: z
      .array(z.object({ workflow_id: z.uuid(), code: z.string(), message: z.string() }))
      .optional(),
    next_cursor: f.nextCursor,
  }),
  http: { method: 'GET', path: '/bulk-operation-preview' },
});

const operation = z.object({
  bulk_id: bulkId,
  action: bulkAction,
  filter: f.jsonObject,
  reason: z.string(),
  /** Of `migrate`. */
  to_version: f.version.optional(),
  rate_per_second: z.number(),
  status: z.enum(['running', 'completed', 'aborted']),
  count: z.number().int(),
  /** Of these the run agreed to, or refused. */
  accepted: z.number().int(),
  refused: z.number().int(),
  started_at: f.instant,
  ended_at: f.instant.optional(),
  aborted_because: z.string().optional(),
});

export const listBulkOperations = query({
  context,
  name: 'list-bulk-operations',
  summary: 'Operations on many runs, newest first, and how far each has come',
  input: z.strictObject({ limit: f.pageLimit, cursor: f.cursor }),
  answer: z.object({ operations: z.array(operation), next_cursor: f.nextCursor }),
  http: { method: 'GET', path: '/bulk-operations' },
});

export const getBulkOperation = query({
  context,
  name: 'get-bulk-operation',
  summary: 'One operation, and what each run said to it, in order',
  input: z.strictObject({ bulk_id: bulkId, limit: f.pageLimit, cursor: f.cursor }),
  answer: z.object({
    operation,
    items: z.array(
      z.object({
        workflow_id: z.uuid(),
        status: z.enum(['waiting', 'accepted', 'refused']),
        /** Why it was refused. */
        code: z.string().optional(),
      }),
    ),
    next_cursor: f.nextCursor,
  }),
  http: { method: 'GET', path: '/bulk-operations/{bulk_id}' },
});

export const bulkCommands = [startBulkOperation, abortBulkOperation] as const;
export const bulkQueries = [previewBulkOperation, listBulkOperations, getBulkOperation] as const;
