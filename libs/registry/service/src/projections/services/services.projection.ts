import { ignore, type Projection, type Table } from '@downbeat/projections';
import type { Instant, JsonObject } from '@downbeat/eventsourcing';
import { directory } from './directory.table';
import { goneInstances } from './gone-instances.table';
import { instance } from './instance.table';
import type { DependenciesDeclared } from '@downbeat/registry-domain';
import { INSTANCE_EVENTS_IGNORED, type RegistryEvent } from '../registry-events';

export interface ServiceRow {
  readonly [column: string]: unknown;
  readonly service_name: string;
  readonly service_version: string;
  readonly service_type: string;
  readonly deployment_environment: string;
  readonly base_url: string | null;
  readonly retired_at: Instant | null;
  readonly retirement_reason: string | null;
  /** Everything else that was said of it, under the names of the contract. */
  readonly details: JsonObject;
  readonly last_deployment: Instant;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

/** What one service needs, as it was declared. */
export interface DependenciesRow {
  readonly [column: string]: unknown;
  readonly service_name: string;
  readonly dependencies: DependenciesDeclared['data']['dependencies'];
}

const service: Table<ServiceRow, RegistryEvent> = {
  name: 'service',
  key: 'service_name',
  columns: {
    service_name: 'text',
    service_version: 'text',
    service_type: 'text',
    deployment_environment: 'text',
    base_url: 'text?',
    retired_at: 'instant?',
    retirement_reason: 'text?',
    details: 'json',
    last_deployment: 'instant',
    created_at: 'instant',
    updated_at: 'instant',
  },
  on: {
    ServiceRegistered: {
      keys: ({ data }) => [data.service_name],
      fold: (before, { data, recorded_at }) => {
        const { service_name, service_version, service_type, deployment_environment, ...rest } =
          data;
        const { base_url, rolled_back_from: _, ...details } = rest;
        return {
          service_name,
          service_version,
          service_type,
          deployment_environment,
          base_url: base_url ?? null,
          retired_at: null,
          retirement_reason: null,
          details: details as JsonObject,
          last_deployment: recorded_at,
          created_at: before?.created_at ?? recorded_at,
          updated_at: recorded_at,
        };
      },
    },
    ServiceChanged: {
      keys: ({ data }) => [data.service_id],
      fold: (row, { data, recorded_at }) => {
        if (!row) return undefined;
        const { service_id: _, service_version, service_type, ...rest } = data;
        const { deployment_environment, base_url, is_version_set: __, ...details } = rest;
        return {
          ...row,
          service_version: service_version ?? row.service_version,
          service_type: service_type ?? row.service_type,
          deployment_environment: deployment_environment ?? row.deployment_environment,
          base_url: base_url === undefined ? row.base_url : base_url,
          details: said({ ...row.details, ...(details as JsonObject) }),
          last_deployment: service_version === undefined ? row.last_deployment : recorded_at,
          updated_at: recorded_at,
        };
      },
    },
    ServiceRetired: {
      keys: ({ data }) => [data.service_id],
      fold: (row, { data, recorded_at }) =>
        row && {
          ...row,
          retired_at: recorded_at,
          retirement_reason: data.reason ?? null,
          updated_at: recorded_at,
        },
    },
    DependenciesDeclared: ignore,
    ...INSTANCE_EVENTS_IGNORED,
  },
};

/** Without what was taken back. */
const said = (details: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(details).filter(([, value]) => value !== null));

const dependencies: Table<DependenciesRow, RegistryEvent> = {
  name: 'dependencies',
  key: 'service_name',
  columns: { service_name: 'text', dependencies: 'json' },
  on: {
    ServiceRegistered: ignore,
    ServiceChanged: ignore,
    ServiceRetired: ignore,
    DependenciesDeclared: { keys: ({ data }) => [data.service_name], fold: (_, { data }) => data },
    ...INSTANCE_EVENTS_IGNORED,
  },
};

/** What exists, what it needs, and where it can be called. */
export const services: Projection = {
  name: 'registry.services',
  version: 10,
  tables: [service, dependencies, instance, goneInstances, directory],
};
