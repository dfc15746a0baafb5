import { INSTANCE_EVENTS_IGNORED } from '../registry-events';
import type { Instant } from '@downbeat/eventsourcing';
import { ignore, type Table } from '@downbeat/projections';
import { endingOf, type Ending } from '@downbeat/registry-domain';
import type { ConfigurationsEvent } from './configurations-event';

export interface ConfiguredInstanceRow {
  readonly [column: string]: unknown;
  readonly instance_id: string;
  readonly service_id: string;
  readonly status: string;
  readonly status_reason: string | null;
  readonly status_changed_at: Instant;
  /** Unhealthy or lost since then without a break, whatever the reasons were; null: it is not. */
  readonly unwell_since: Instant | null;
  /** How it went away, once it does. */
  readonly ending: Ending | null;
  /** What it said last; null until it says something. */
  readonly environment: string | null;
  readonly checksum: string | null;
  readonly outcome: string | null;
  readonly reason: string | null;
  readonly activation: number | null;
  readonly acknowledged_at: Instant | null;
}

const SAID_NOTHING = {
  ...{ environment: null, checksum: null, outcome: null },
  ...{ reason: null, activation: null, acknowledged_at: null },
};

/** Every instance that is there, and which configuration it says it has. */
export const configuredInstance: Table<ConfiguredInstanceRow, ConfigurationsEvent> = {
  name: 'configured_instance',
  key: 'instance_id',
  columns: {
    instance_id: 'text',
    service_id: 'text',
    status: 'text',
    status_reason: 'text?',
    status_changed_at: 'instant',
    unwell_since: 'instant?',
    ending: 'text?',
    environment: 'text?',
    checksum: 'text?',
    outcome: 'text?',
    reason: 'text?',
    activation: 'bigint?',
    acknowledged_at: 'instant?',
  },
  indexes: [['service_id', 'instance_id']],
  on: {
    ConfigurationCreated: ignore,
    ConfigurationActivated: ignore,
    ActivationConfirmed: ignore,
    ActivationReverted: ignore,
    ConfigurationAcknowledged: {
      keys: ({ data }) => [data.instance_id],
      fold: (row, { data, recorded_at }) => {
        const { environment, checksum, outcome, reason, activation } = data;
        return (
          row && {
            ...row,
            ...{ environment, checksum, outcome },
            reason: reason ?? null,
            activation: activation ?? null,
            acknowledged_at: recorded_at,
          }
        );
      },
    },
    ...INSTANCE_EVENTS_IGNORED,
    InstanceRegistered: {
      keys: ({ data }) => [data.instance_id],
      fold: (_, { data: { instance_id, service_id }, recorded_at }) => ({
        ...{ instance_id, service_id },
        status: 'starting',
        status_reason: null,
        status_changed_at: recorded_at,
        unwell_since: null,
        ending: null,
        ...SAID_NOTHING,
      }),
    },
    InstanceHealthObserved: {
      keys: ({ data }) => [data.instance_id],
      fold: (row, { data: { status, detail }, recorded_at }) =>
        row && {
          ...row,
          status,
          status_reason: detail,
          status_changed_at: recorded_at,
          unwell_since: status === 'unhealthy' ? (row.unwell_since ?? recorded_at) : null,
        },
    },
    InstanceTerminating: {
      keys: ({ data }) => [data.instance_id],
      fold: (row, { data: { reason, ending }, recorded_at }) =>
        row && {
          ...row,
          status: 'terminating',
          status_reason: reason,
          ending: ending ?? endingOf(reason),
          status_changed_at: recorded_at,
          unwell_since: row.unwell_since ?? recorded_at,
        },
    },
    InstanceRemoved: { keys: ({ data }) => [data.instance_id], fold: () => undefined },
  },
};
