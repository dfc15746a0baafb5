import type { Instant, RecordedEvent } from '@downbeat/eventsourcing';
import type { Projection, Table } from '@downbeat/projections';
import type {
  IncidentOpened,
  IncidentResolved,
  UndoParked,
  UndoRetried,
  UndoStarted,
  WorkflowArchived,
} from '@downbeat/saga-domain';

export interface IncidentRow {
  readonly [column: string]: unknown;
  readonly id: string;
  readonly workflow_id: string;
  readonly workflow_name: string;
  readonly correlation_id: string;
  readonly step_name: string;
  readonly kind: string;
  readonly message: string;
  readonly attempts: number;
  readonly status: 'open' | 'resolved';
  readonly opened_at: Instant;
  readonly resolved_at: Instant | null;
  readonly action: string | null;
  readonly reason: string | null;
  readonly resolved_by: string | null;
  /** Newest first is by this. */
  readonly opened_position: number;
}

type Shown =
  IncidentOpened | IncidentResolved | UndoParked | UndoStarted | UndoRetried | WorkflowArchived;

const keys = ({ data }: RecordedEvent<IncidentOpened | IncidentResolved>) => [data.incident_id];

/** The incident of a run that began before there were incidents; one for each of its undos. */
const keysOfOld = ({ stream, data }: RecordedEvent<UndoParked | UndoStarted | UndoRetried>) => [
  `${runOf(stream)}:${data.step}:0`,
];
const runOf = (stream: string): string => stream.slice('workflow-'.length);

const undoneAgain = {
  keys: keysOfOld,
  fold: (row: IncidentRow | undefined, event: RecordedEvent<UndoStarted | UndoRetried>) =>
    row?.status === 'open' ? { ...row, ...resolved(event), action: 'retry' } : row,
};
const resolved = ({
  data: { at },
  meta: { actor },
}: RecordedEvent<UndoStarted | UndoRetried | IncidentResolved>) =>
  ({ status: 'resolved', resolved_at: at, resolved_by: actor }) as const;

const incident: Table<IncidentRow, Shown> = {
  name: 'incident',
  key: 'id',
  columns: {
    id: 'text',
    workflow_id: 'text',
    workflow_name: 'text',
    correlation_id: 'text',
    step_name: 'text',
    kind: 'text',
    message: 'text',
    attempts: 'bigint',
    status: 'text',
    opened_at: 'instant',
    resolved_at: 'instant?',
    action: 'text?',
    reason: 'text?',
    resolved_by: 'text?',
    opened_position: 'bigint',
  },
  indexes: [['opened_position'], ['status', 'opened_position'], ['workflow_id']],
  on: {
    IncidentOpened: {
      keys,
      fold: (_, { data, meta, stream, position }) => ({
        id: data.incident_id,
        workflow_id: runOf(stream),
        workflow_name: data.workflow_name,
        correlation_id: meta.correlation_id,
        step_name: data.step,
        kind: data.kind,
        message: data.message,
        attempts: data.attempts,
        status: 'open',
        opened_at: data.at,
        resolved_at: null,
        action: null,
        reason: null,
        resolved_by: null,
        opened_position: position,
      }),
    },
    IncidentResolved: {
      keys,
      fold: (row, event) =>
        row && {
          ...row,
          ...resolved(event),
          action: event.data.action,
          reason: event.data.reason ?? null,
        },
    },
    UndoParked: {
      keys: keysOfOld,
      fold: (_, { data, meta, stream, position }, id) => ({
        id,
        workflow_id: runOf(stream),
        workflow_name: '',
        correlation_id: meta.correlation_id,
        step_name: data.step,
        kind: data.attempts === 0 ? 'undo_input' : 'undo_failed',
        message: data.message,
        attempts: data.attempts,
        status: 'open',
        opened_at: data.at,
        resolved_at: null,
        action: null,
        reason: null,
        resolved_by: null,
        opened_position: position,
      }),
    },
    UndoStarted: undoneAgain,
    UndoRetried: undoneAgain,
    // They leave with their run; what became of them stands in its events.
    WorkflowArchived: {
      keys: ({ data }) => data.incident_ids ?? [],
      fold: () => undefined,
    },
  },
};

/** What waits, or waited, for a person. */
export const incidents: Projection = { name: 'saga.incidents', version: 2, tables: [incident] };
