import { z } from 'zod';
import { command, query } from '../contract';
import * as f from '../fields';

const context = 'saga' as const;
const workflowId = z.uuid();
const EXAMPLE_RUN = '0198c2a4-7d1e-5c3b-9a52-3f1f0a9f3c11';

export const migrateWorkflow = command({
  context,
  name: 'MigrateWorkflow',
  summary:
    'Have a run go on by another version of its definition, if it could have come this far by that one',
  idField: 'workflow_id',
  data: z.strictObject({ workflow_id: workflowId, to_version: f.version, reason: f.line(500) }),
  answer: z.object({
    workflow_id: workflowId,
    status: z.string(),
    /** What it goes by now. */
    workflow_version: f.version,
  }),
  example: {
    workflow_id: EXAMPLE_RUN,
    to_version: '1.1.0',
    reason: 'the undo of reserve-stock was wrong',
  },
  http: { method: 'POST', path: '/workflows/{workflow_id}/migrate' },
});

const migratedStep = z.object({
  /** Inside a map with the item's index: `hold#3`. */
  step_name: z.string(),
  /**
   * `kept`: done. `goes_on`: under way, answered by the new definition. `called_anew`: the next call is
   * another request. `follows`: ahead, in both. `added`, `removed`: ahead, in one. `refused`: why not.
   */
  fate: z.enum(['kept', 'goes_on', 'called_anew', 'follows', 'added', 'removed', 'refused']),
  message: z.string().optional(),
});

export const previewMigration = query({
  context,
  name: 'preview-migration',
  summary: 'What would become of each step of a run by another version; changes nothing',
  presentOnly: 'it says what a command would do now',
  input: z.strictObject({ workflow_id: workflowId, to_version: f.version }),
  answer: z.object({
    workflow_id: workflowId,
    from_version: f.version,
    to_version: f.version,
    is_possible: z.boolean(),
    /** Why not. */
    code: z.string().optional(),
    message: z.string().optional(),
    steps: z.array(migratedStep),
  }),
  http: { method: 'GET', path: '/workflows/{workflow_id}/migration-preview' },
});
