import type { Instant, RecordedEvent } from '@downbeat/eventsourcing';
import type { Projection, Table } from '@downbeat/projections';
import type { IncidentOpened, IncidentResolved } from '@downbeat/saga-domain';

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

const keys = ({ data }: RecordedEvent<IncidentOpened | IncidentResolved>) => [data.incident_id];

const incident: Table<IncidentRow, IncidentOpened | IncidentResolved> = {
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
        workflow_id: stream.slice('workflow-'.length),
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
      fold: (row, { data, meta }) =>
        row && {
          ...row,
          status: 'resolved',
          resolved_at: data.at,
          action: data.action,
          reason: data.reason ?? null,
          resolved_by: meta.actor,
        },
    },
  },
};

/** What waits, or waited, for a person. */
export const incidents: Projection = { name: 'saga.incidents', version: 1, tables: [incident] };
