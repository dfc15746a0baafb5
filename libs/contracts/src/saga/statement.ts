import type { Instant } from '@downbeat/eventsourcing';
import { z } from 'zod';
import * as f from '../fields';

/** One call that had, or may have had, an effect: what became of it. */
export const statementEffect = z.object({
  /** Inside a map with the item's index: `hold#3`. */
  step_name: z.string(),
  /** Empty for a sub-workflow. */
  service_name: z.string(),
  /** Of a sub-workflow. */
  workflow_name: z.string().optional(),
  effect: z.enum(['stands', 'undone', 'unknown']),
  /** How the step ended. */
  outcome: z.enum(['completed', 'unknown', 'unusable', 'failed']),
  /** It has a compensation_action. */
  can_be_undone: z.boolean(),
  /** Since when it is so. */
  since: f.instant,
  undone_by: z.enum(['engine', 'hand']).optional(),
  /** An incident of its undo was resolved by skipping it. */
  was_skipped: z.boolean().optional(),
  /** Who undid or skipped it. */
  actor: z.string().optional(),
  reason: z.string().optional(),
});
export type StatementEffect = Omit<z.output<typeof statementEffect>, 'since'> & {
  readonly since: Instant;
};
