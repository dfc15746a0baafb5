import { INSTANCE_EVENTS_IGNORED } from '../registry-events';
import type { Instant, JsonObject } from '@downbeat/eventsourcing';
import { ignore, type Projection, type Table } from '@downbeat/projections';
import { activation } from './activation.table';
import type { ConfigurationsEvent } from './configurations-event';
import { configuredInstance } from './configured-instance.table';

export interface ConfigurationRow {
  readonly [column: string]: unknown;
  readonly id: string;
  readonly service_id: string;
  readonly environment: string;
  readonly config_version: string;
  /** Position of its creation: the newest has the highest. */
  readonly created_position: number;
  readonly base_version: string | null;
  readonly description: string | null;
  readonly configuration: JsonObject;
  readonly effective: JsonObject;
  readonly checksum: string;
  readonly secrets_refs: readonly string[];
  readonly is_encrypted: boolean;
  readonly is_active: boolean;
  readonly activation: number | null;
  readonly applied_at: Instant | null;
  readonly created_by: string;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

type Of = { readonly service_id: string; readonly environment: string };

export const configurationId = ({ service_id, environment }: Of, version: string): string =>
  `${service_id}/${environment}/${version}`;

const idsOf = (of: Of, ...versions: readonly (string | undefined)[]): readonly string[] =>
  versions.flatMap((version) => (version === undefined ? [] : [configurationId(of, version)]));

const inForce = (row: ConfigurationRow, activation: number, at: Instant): ConfigurationRow => ({
  ...row,
  is_active: true,
  activation,
  applied_at: at,
  updated_at: at,
});

const notInForce = (row: ConfigurationRow, at: Instant): ConfigurationRow => ({
  ...row,
  is_active: false,
  updated_at: at,
});

const configuration: Table<ConfigurationRow, ConfigurationsEvent> = {
  name: 'configuration',
  key: 'id',
  columns: {
    id: 'text',
    service_id: 'text',
    environment: 'text',
    config_version: 'text',
    created_position: 'bigint',
    base_version: 'text?',
    description: 'text?',
    configuration: 'json',
    effective: 'json',
    checksum: 'text',
    secrets_refs: 'json',
    is_encrypted: 'boolean',
    is_active: 'boolean',
    activation: 'bigint?',
    applied_at: 'instant?',
    created_by: 'text',
    created_at: 'instant',
    updated_at: 'instant',
  },
  indexes: [
    ['service_id', 'created_position'],
    ['service_id', 'environment', 'is_active'],
  ],
  on: {
    ConfigurationCreated: {
      keys: ({ data }) => idsOf(data, data.config_version),
      fold: (_, { data, position, recorded_at }, id) => {
        const { base_version, description, ...said } = data;
        return {
          ...said,
          id,
          created_position: position,
          base_version: base_version ?? null,
          description: description ?? null,
          is_active: false,
          activation: null,
          applied_at: null,
          created_at: recorded_at,
          updated_at: recorded_at,
        };
      },
    },
    ConfigurationActivated: {
      keys: ({ data }) => idsOf(data, data.config_version, data.previous_version),
      fold: (row, { data, recorded_at }) =>
        row && row.config_version === data.config_version
          ? inForce(row, data.activation, recorded_at)
          : row && notInForce(row, recorded_at),
    },
    ActivationConfirmed: ignore,
    ActivationReverted: {
      keys: ({ data }) => idsOf(data, data.config_version, data.to_version),
      fold: (row, { data, recorded_at }) =>
        row && row.config_version === data.to_version
          ? inForce(row, data.next_activation, recorded_at)
          : row && notInForce(row, recorded_at),
    },
    ConfigurationAcknowledged: ignore,
    ...INSTANCE_EVENTS_IGNORED,
  },
};

/** Which configurations there are, which are in force since when and why, and who runs what. */
export const configurations: Projection = {
  name: 'registry.configurations',
  version: 3,
  tables: [configuration, activation, configuredInstance],
};
