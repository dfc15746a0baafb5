import type {
  DependenciesDeclared,
  InstanceEvent,
  RegistrationEvent,
} from '@downbeat/registry-domain';
import { ignore, type Projection, type Table } from '@downbeat/projections';
import type { Instant, JsonObject } from '@downbeat/eventsourcing';

type RegistryEvent = RegistrationEvent | DependenciesDeclared | InstanceEvent;

export interface ServiceRow {
  readonly [column: string]: unknown;
  readonly service_name: string;
  readonly service_version: string;
  readonly service_type: string;
  readonly deployment_environment: string;
  readonly base_url: string | null;
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

export interface InstanceRow {
  readonly [column: string]: unknown;
  readonly instance_id: string;
  readonly service_id: string;
  readonly node_name: string;
  readonly ip_address: string;
  readonly port: number;
  readonly status: string;
  readonly version: string;
  readonly metadata: JsonObject;
  readonly heartbeat_ttl_ms: number | null;
  readonly health_check_failures: number;
  readonly last_health_check: Instant | null;
  readonly started_at: Instant;
  readonly status_changed_at: Instant;
  /** What the last check said, or why it goes away. */
  readonly status_reason: string | null;
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
    details: 'json',
    last_deployment: 'instant',
    created_at: 'instant',
    updated_at: 'instant',
  },
  on: {
    ServiceRegistered: {
      keys: ({ data }) => [data.service_name],
      fold: (_, { data, recorded_at }) => {
        const { service_name, service_version, service_type, deployment_environment, ...rest } =
          data;
        const { base_url, ...details } = rest;
        return {
          service_name,
          service_version,
          service_type,
          deployment_environment,
          base_url: base_url ?? null,
          details: details as JsonObject,
          last_deployment: recorded_at,
          created_at: recorded_at,
          updated_at: recorded_at,
        };
      },
    },
    ServiceChanged: {
      keys: ({ data }) => [data.service_id],
      fold: (row, { data, recorded_at }) => {
        if (!row) return undefined;
        const { service_id: _, service_version, service_type, ...rest } = data;
        const { deployment_environment, base_url, ...details } = rest;
        return {
          ...row,
          service_version: service_version ?? row.service_version,
          service_type: service_type ?? row.service_type,
          deployment_environment: deployment_environment ?? row.deployment_environment,
          base_url: base_url ?? row.base_url,
          details: { ...row.details, ...(details as JsonObject) },
          last_deployment: service_version === undefined ? row.last_deployment : recorded_at,
          updated_at: recorded_at,
        };
      },
    },
    DependenciesDeclared: ignore,
    InstanceRegistered: ignore,
    InstanceHealthObserved: ignore,
    InstanceTerminating: ignore,
    InstanceRemoved: ignore,
  },
};

const instance: Table<InstanceRow, RegistryEvent> = {
  name: 'instance',
  key: 'instance_id',
  columns: {
    instance_id: 'text',
    service_id: 'text',
    node_name: 'text',
    ip_address: 'text',
    port: 'bigint',
    status: 'text',
    version: 'text',
    metadata: 'json',
    heartbeat_ttl_ms: 'bigint?',
    health_check_failures: 'bigint',
    last_health_check: 'instant?',
    started_at: 'instant',
    status_changed_at: 'instant',
    status_reason: 'text?',
  },
  indexes: [['service_id', 'status']],
  on: {
    ServiceRegistered: ignore,
    ServiceChanged: ignore,
    DependenciesDeclared: ignore,
    InstanceRegistered: {
      keys: ({ data }) => [data.instance_id],
      fold: (_, { data, recorded_at }) => ({
        instance_id: data.instance_id,
        service_id: data.service_id,
        node_name: data.node_name,
        ip_address: data.ip_address,
        port: data.port,
        status: 'starting',
        version: data.version,
        metadata: data.metadata ?? {},
        heartbeat_ttl_ms: data.heartbeat_ttl_ms ?? null,
        health_check_failures: 0,
        last_health_check: null,
        started_at: recorded_at,
        status_changed_at: recorded_at,
        status_reason: null,
      }),
    },
    InstanceHealthObserved: {
      keys: ({ data }) => [data.instance_id],
      fold: (row, { data, recorded_at }) =>
        row && {
          ...row,
          status: data.status,
          health_check_failures: data.failures,
          last_health_check: data.checked_at as Instant,
          status_changed_at: recorded_at,
          status_reason: data.detail,
        },
    },
    InstanceTerminating: {
      keys: ({ data }) => [data.instance_id],
      fold: (row, { data: { reason }, recorded_at }) =>
        row && {
          ...row,
          status: 'terminating',
          status_changed_at: recorded_at,
          status_reason: reason,
        },
    },
    InstanceRemoved: { keys: ({ data }) => [data.instance_id], fold: () => undefined },
  },
};

const dependencies: Table<DependenciesRow, RegistryEvent> = {
  name: 'dependencies',
  key: 'service_name',
  columns: { service_name: 'text', dependencies: 'json' },
  on: {
    ServiceRegistered: ignore,
    ServiceChanged: ignore,
    DependenciesDeclared: { keys: ({ data }) => [data.service_name], fold: (_, { data }) => data },
    InstanceRegistered: ignore,
    InstanceHealthObserved: ignore,
    InstanceTerminating: ignore,
    InstanceRemoved: ignore,
  },
};

/** What exists, what it needs, and where it can be called. */
export const services: Projection = {
  name: 'registry.services',
  version: 2,
  tables: [service, dependencies, instance],
};
