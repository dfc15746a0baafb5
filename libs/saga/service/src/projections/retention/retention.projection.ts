import type { Instant } from '@downbeat/eventsourcing';
import type { Projection, Table } from '@downbeat/projections';
import type { RetentionEvent, RetentionRules } from '@downbeat/saga-domain';

/** What operators have said of a workflow, or of all others. */
export interface RetentionRow {
  readonly [column: string]: unknown;
  readonly workflow_name: string;
  readonly rules: RetentionRules;
  readonly changed_at: Instant;
  readonly changed_by: string;
}

const policy: Table<RetentionRow, RetentionEvent> = {
  name: 'retention_policy',
  key: 'workflow_name',
  columns: { workflow_name: 'text', rules: 'json', changed_at: 'instant', changed_by: 'text' },
  on: {
    RetentionPolicySet: {
      keys: ({ data }) => [data.workflow_name],
      fold: (_, { data: { workflow_name, rules, at }, meta }) => ({
        workflow_name,
        rules,
        changed_at: at,
        changed_by: meta.actor,
      }),
    },
    RetentionPolicyDeleted: {
      keys: ({ data }) => [data.workflow_name],
      fold: () => undefined,
    },
  },
};

/** How long ended runs stay where. */
export const retention: Projection = { name: 'saga.retention', version: 1, tables: [policy] };
