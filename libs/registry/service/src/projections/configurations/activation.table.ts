import { INSTANCE_EVENTS_IGNORED } from '../registry-events';
import type { Instant } from '@downbeat/eventsourcing';
import { ignore, type Table } from '@downbeat/projections';
import type { GateEvidence, HealthGate } from '@downbeat/registry-domain';
import type { ConfigurationsEvent } from './configurations-event';

export interface ActivationRow {
  readonly [column: string]: unknown;
  readonly id: string;
  readonly service_id: string;
  readonly environment: string;
  readonly activation: number;
  readonly config_version: string;
  readonly previous_version: string | null;
  readonly checksum: string;
  /** `observing` while its gate is open, `active`, `reverted`; `superseded` when another took its place. */
  readonly status: string;
  readonly cause: string;
  readonly reason: string | null;
  readonly gate: HealthGate | null;
  readonly activated_by: string;
  readonly activated_at: Instant;
  readonly judged_at: Instant | null;
  readonly because: string | null;
  readonly evidence: GateEvidence | null;
}

type Of = { readonly service_id: string; readonly environment: string };
const idOf = ({ service_id, environment }: Of, activation: number): string =>
  `${service_id}/${environment}/${activation}`;

/** What is in force gives way; what was taken back stays so. */
const superseded = (row: ActivationRow): ActivationRow => ({
  ...row,
  status: row.status === 'reverted' ? row.status : 'superseded',
});

const REGISTRY = 'registry';

/** One row for everything that was ever put in force. */
export const activation: Table<ActivationRow, ConfigurationsEvent> = {
  name: 'configuration_activation',
  key: 'id',
  columns: {
    id: 'text',
    service_id: 'text',
    environment: 'text',
    activation: 'bigint',
    config_version: 'text',
    previous_version: 'text?',
    checksum: 'text',
    status: 'text',
    cause: 'text',
    reason: 'text?',
    gate: 'json?',
    activated_by: 'text',
    activated_at: 'instant',
    judged_at: 'instant?',
    because: 'text?',
    evidence: 'json?',
  },
  indexes: [['service_id', 'environment', 'activation'], ['status']],
  on: {
    ConfigurationCreated: ignore,
    ConfigurationActivated: {
      keys: ({ data }) => [idOf(data, data.activation), idOf(data, data.activation - 1)],
      fold: (row, { data, recorded_at }, id) => {
        if (id !== idOf(data, data.activation)) return row && superseded(row);
        const { is_rollback, previous_version, gate, reason, ...said } = data;
        return {
          ...said,
          id,
          previous_version: previous_version ?? null,
          status: gate ? 'observing' : 'active',
          cause: is_rollback ? 'rollback' : 'activation',
          reason: reason ?? null,
          gate: gate ?? null,
          activated_at: recorded_at,
          ...{ judged_at: null, because: null, evidence: null },
        };
      },
    },
    ActivationConfirmed: {
      keys: ({ data }) => [idOf(data, data.activation)],
      fold: (row, { data: { evidence }, recorded_at }) =>
        row && { ...row, status: 'active', judged_at: recorded_at, evidence },
    },
    ActivationReverted: {
      keys: ({ data }) => [
        idOf(data, data.activation),
        ...(data.to_version === undefined ? [] : [idOf(data, data.next_activation)]),
      ],
      fold: (row, { data, recorded_at }, id) => {
        const { service_id, environment, because, evidence, to_version, to_checksum } = data;
        if (id === idOf(data, data.activation))
          return row && { ...row, status: 'reverted', judged_at: recorded_at, because, evidence };
        if (to_version === undefined || to_checksum === undefined) return row;
        return {
          ...{ id, service_id, environment, because },
          activation: data.next_activation,
          config_version: to_version,
          previous_version: data.config_version,
          checksum: to_checksum,
          status: 'active',
          cause: 'revert',
          ...{ reason: null, gate: null, evidence: null, judged_at: null },
          activated_by: REGISTRY,
          activated_at: recorded_at,
        };
      },
    },
    ConfigurationAcknowledged: ignore,
    ...INSTANCE_EVENTS_IGNORED,
  },
};
