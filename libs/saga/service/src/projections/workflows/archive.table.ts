import type { Instant } from '@downbeat/eventsourcing';
import type { Table } from '@downbeat/projections';
import type {
  EndedRun,
  WorkflowArchived,
  WorkflowPurged,
  WorkflowRestored,
} from '@downbeat/saga-domain';

/** As much of an archived run as lists show. */
export interface ArchivedRow {
  readonly [column: string]: unknown;
  readonly id: string;
  readonly workflow_name: string;
  readonly workflow_version: string;
  readonly correlation_id: string;
  readonly wedding_id: string | null;
  readonly initiating_service: string;
  readonly current_status: string;
  readonly current_step: number;
  readonly total_steps: number;
  readonly started_at: Instant;
  readonly completed_at: Instant;
  readonly started_position: number;
  readonly archived_at: Instant;
}

/** To be asked like the table of those at work. */
export const ARCHIVED_RUNS =
  '(select *, false as needs_attention, false as paused from workflow_archive) archived';

/** What both tables have. */
export const rowOf = (run: EndedRun) => ({
  id: run.workflow_id,
  workflow_name: run.workflow_name,
  workflow_version: run.workflow_version,
  correlation_id: run.correlation_id,
  wedding_id: run.wedding_id ?? null,
  initiating_service: run.initiating_service,
  current_status: run.status,
  current_step: run.current_step,
  total_steps: run.total_steps,
  started_at: run.started_at,
  completed_at: run.completed_at,
  started_position: run.started_position,
});

const gone = {
  keys: ({ stream }: { readonly stream: string }) => [stream.slice('workflow-'.length)],
  fold: () => undefined,
};

export const workflowArchive: Table<
  ArchivedRow,
  WorkflowArchived | WorkflowRestored | WorkflowPurged
> = {
  name: 'workflow_archive',
  key: 'id',
  columns: {
    id: 'text',
    workflow_name: 'text',
    workflow_version: 'text',
    correlation_id: 'text',
    wedding_id: 'text?',
    initiating_service: 'text',
    current_status: 'text',
    current_step: 'bigint',
    total_steps: 'bigint',
    started_at: 'instant',
    completed_at: 'instant',
    started_position: 'bigint',
    archived_at: 'instant',
  },
  indexes: [
    ['started_position'],
    ['current_status', 'started_position'],
    ['correlation_id'],
    ['workflow_name', 'current_status', 'completed_at'],
  ],
  on: {
    WorkflowArchived: {
      keys: ({ data }) => [data.run.workflow_id],
      fold: (_, { data }) => ({ ...rowOf(data.run), archived_at: data.at }),
    },
    WorkflowRestored: gone,
    WorkflowPurged: gone,
  },
};
