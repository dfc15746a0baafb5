import { z } from 'zod';
import { command } from '../contract';
import * as f from '../fields';

const context = 'saga' as const;
const workflowId = z.uuid();
const EXAMPLE_RUN = '0198c2a4-7d1e-5c3b-9a52-3f1f0a9f3c11';

/** `status` says whether it goes forward or back once it is resumed. */
const answer = z.object({ workflow_id: workflowId, status: z.string(), paused: z.boolean() });

export const pauseWorkflow = command({
  context,
  name: 'PauseWorkflow',
  summary: 'Stop a run: nothing new begins, timers stop, calls under way finish and are recorded',
  idField: 'workflow_id',
  data: z.strictObject({ workflow_id: workflowId, reason: f.line(500).optional() }),
  answer,
  example: { workflow_id: EXAMPLE_RUN, reason: 'stock is counting its shelves' },
  http: { method: 'POST', path: '/workflows/{workflow_id}/pause' },
});

export const resumeWorkflow = command({
  context,
  name: 'ResumeWorkflow',
  summary: 'Let a paused run go on where it stands, with the time its timers had left',
  idField: 'workflow_id',
  data: z.strictObject({ workflow_id: workflowId }),
  answer,
  example: { workflow_id: EXAMPLE_RUN },
  http: { method: 'POST', path: '/workflows/{workflow_id}/resume' },
});
