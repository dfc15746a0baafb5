import { z } from 'zod';
import { command } from '../contract';
import * as f from '../fields';

const context = 'saga' as const;

/** What becomes of runs under way while their definition is paused. */
export const pausedRuns = z.enum(['leave', 'pause']);

export const pauseDefinition = command({
  context,
  name: 'PauseDefinition',
  summary:
    'Begin no run of a workflow until it is resumed; runs under way go on, or are paused too',
  idField: 'workflow_name',
  data: z.strictObject({
    workflow_name: f.name,
    reason: f.line(500),
    runs: pausedRuns.default('leave'),
  }),
  answer: z.object({ workflow_name: f.name, is_paused: z.boolean() }),
  example: { workflow_name: 'order-goods', reason: 'prices are being corrected', runs: 'pause' },
  http: { method: 'POST', path: '/workflow-definitions/{workflow_name}/pause' },
});

export const resumeDefinition = command({
  context,
  name: 'ResumeDefinition',
  summary: 'Let runs of a paused workflow begin again, and those go on that were paused with it',
  idField: 'workflow_name',
  data: z.strictObject({ workflow_name: f.name }),
  answer: z.object({ workflow_name: f.name, is_paused: z.boolean() }),
  example: { workflow_name: 'order-goods' },
  http: { method: 'POST', path: '/workflow-definitions/{workflow_name}/resume' },
});
