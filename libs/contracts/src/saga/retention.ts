import { z } from 'zod';
import { command, query } from '../contract';
import * as f from '../fields';

const context = 'saga' as const;

/** Of every workflow that has no policy of its own; no workflow can have this name. */
export const DEFAULT_POLICY = '_default';

const days = z.number().min(0).max(36_500);

/** Counted from the end of the run. */
const ages = z
  .strictObject({
    /** From then on it is listed apart, with `archived=true`. */
    archive_after_days: days,
    /** From then on it is listed nowhere, and its status cannot be asked; default: never. */
    purge_after_days: days.optional(),
  })
  .refine(
    ({ archive_after_days, purge_after_days = Infinity }) => purge_after_days >= archive_after_days,
    { path: ['purge_after_days'], message: 'must not be less than archive_after_days' },
  );
export type RetentionAges = z.output<typeof ages>;

export const endStatus = z.enum(['completed', 'failed', 'compensated']);
export type EndStatus = z.output<typeof endStatus>;

/** A status that is left out is never archived. */
const rules = {
  completed: ages.optional(),
  failed: ages.optional(),
  compensated: ages.optional(),
};

const workflowName = f.name.or(z.literal(DEFAULT_POLICY));

export const putRetentionPolicy = command({
  context,
  name: 'PutRetentionPolicy',
  summary: 'Say when ended runs of a workflow leave what is at work, and when the archive',
  idField: 'workflow_name',
  data: z.strictObject({ workflow_name: workflowName, ...rules }),
  answer: z.object({ workflow_name: z.string() }),
  example: {
    workflow_name: 'order-goods',
    completed: { archive_after_days: 7, purge_after_days: 90 },
    failed: { archive_after_days: 30 },
  },
  http: { method: 'PUT', path: '/retention-policies/{workflow_name}' },
});

export const deleteRetentionPolicy = command({
  context,
  name: 'DeleteRetentionPolicy',
  summary: 'Let the default be the policy of a workflow again; of the default, what it came with',
  idField: 'workflow_name',
  data: z.strictObject({ workflow_name: workflowName }),
  answer: z.object({ workflow_name: z.string() }),
  example: { workflow_name: 'order-goods' },
  http: { method: 'DELETE', path: '/retention-policies/{workflow_name}' },
});

export const listRetentionPolicies = query({
  context,
  name: 'list-retention-policies',
  summary: 'When ended runs are archived and purged; the default first',
  input: z.strictObject({}),
  answer: z.object({
    policies: z.array(
      z.object({
        workflow_name: z.string(),
        ...rules,
        /** Absent: nobody has said it, it comes with the release. */
        changed_at: f.instant.optional(),
        changed_by: z.string().optional(),
      }),
    ),
  }),
  http: { method: 'GET', path: '/retention-policies' },
});

export const previewRetention = query({
  context,
  name: 'preview-retention',
  summary: 'The very runs that are due to be archived or purged now; changes nothing',
  input: z.strictObject({
    action: z.enum(['archive', 'purge']),
    workflow_name: f.name.optional(),
    status: endStatus.optional(),
    /** Instead of what the policies say: what another age would do. */
    after_days: z.coerce.number().min(0).max(36_500).optional(),
    limit: f.pageLimit,
    cursor: f.cursor,
  }),
  answer: z.object({
    count: z.number().int(),
    /** Those that ended first come first. */
    workflow_ids: z.array(z.uuid()),
    next_cursor: f.nextCursor,
  }),
  http: { method: 'GET', path: '/retention-preview' },
});

export const retentionCommands = [putRetentionPolicy, deleteRetentionPolicy] as const;
export const retentionQueries = [listRetentionPolicies, previewRetention] as const;
