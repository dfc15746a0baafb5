import {
  leavesByItself,
  type CheckEvent,
  type Need,
  type NeedsChanged,
  type ServiceCheckEvent,
} from '@downbeat/health-domain';
import { ignore, type Projection, type Table } from '@downbeat/projections';
import type { Instant, JsonObject } from '@downbeat/eventsourcing';

type HealthEvent = CheckEvent | NeedsChanged | ServiceCheckEvent;

/** Of a service that is no more nothing is kept. */
const forgotten = {
  keys: ({ data }: { readonly data: { readonly service_name: string } }) => [data.service_name],
  fold: () => undefined,
};

export interface CheckRow {
  readonly [column: string]: unknown;
  readonly instance_id: string;
  readonly service_name: string;
  readonly status: string;
  readonly phase: string;
  readonly reason: string | null;
  readonly check: JsonObject;
  readonly failures: number;
  readonly detail: string | null;
  readonly changed_at: Instant;
}

const check: Table<CheckRow, HealthEvent> = {
  name: 'instance_check',
  key: 'instance_id',
  columns: {
    instance_id: 'text',
    service_name: 'text',
    status: 'text',
    phase: 'text',
    reason: 'text?',
    check: 'json',
    failures: 'bigint',
    detail: 'text?',
    changed_at: 'instant',
  },
  indexes: [['status']],
  on: {
    CheckStarted: {
      keys: ({ data }) => [data.instance_id],
      fold: (_, { data, recorded_at }) => ({
        instance_id: data.instance_id,
        service_name: data.service_name,
        status: 'starting',
        phase: data.check.startup ? 'startup' : 'readiness',
        reason: null,
        check: data.check,
        failures: 0,
        detail: null,
        changed_at: recorded_at,
      }),
    },
    StartupPassed: {
      keys: ({ data }) => [data.instance_id],
      fold: (row, { data, recorded_at }) =>
        row && {
          ...row,
          phase: 'readiness',
          reason: null,
          failures: 0,
          detail: data.detail,
          changed_at: recorded_at,
        },
    },
    HealthChanged: {
      keys: ({ data }) => [data.instance_id],
      fold: (row, { data, recorded_at }) =>
        row && {
          ...row,
          status: data.status,
          phase: data.phase ?? 'readiness',
          reason: data.reason ?? null,
          failures: data.failures,
          detail: data.detail,
          changed_at: recorded_at,
        },
    },
    CheckStopped: {
      keys: ({ data }) => [data.instance_id],
      fold: (row, { data, recorded_at }) =>
        row && { ...row, status: 'terminating', detail: data.reason, changed_at: recorded_at },
    },
    InstanceForgotten: { keys: ({ data }) => [data.instance_id], fold: () => undefined },
    NeedsChanged: ignore,
    ServiceCheckChanged: ignore,
    ServiceForgotten: ignore,
  },
};

interface ServiceCheckRow {
  readonly [column: string]: unknown;
  readonly service_name: string;
  readonly health_check: JsonObject | null;
  readonly health_check_endpoint: string | null;
}

const serviceCheck: Table<ServiceCheckRow, HealthEvent> = {
  name: 'service_check',
  key: 'service_name',
  columns: { service_name: 'text', health_check: 'json?', health_check_endpoint: 'text?' },
  on: {
    CheckStarted: ignore,
    StartupPassed: ignore,
    HealthChanged: ignore,
    CheckStopped: ignore,
    InstanceForgotten: ignore,
    NeedsChanged: ignore,
    ServiceCheckChanged: {
      keys: ({ data }) => [data.service_name],
      fold: (row, { data }) => ({
        service_name: data.service_name,
        health_check: data.health_check ?? row?.health_check ?? null,
        health_check_endpoint: data.health_check_endpoint ?? row?.health_check_endpoint ?? null,
      }),
    },
    ServiceForgotten: forgotten,
  },
};

interface CheckedServiceRow {
  readonly [column: string]: unknown;
  readonly service_name: string;
  /** An instance went without a word since the last one was registered. */
  readonly has_lost: boolean;
}

/** Services that have had an instance: one that has lost its last is not one that never had any. */
const checkedService: Table<CheckedServiceRow, HealthEvent> = {
  name: 'checked_service',
  key: 'service_name',
  columns: { service_name: 'text', has_lost: 'boolean' },
  on: {
    CheckStarted: {
      keys: ({ data }) => [data.service_name],
      fold: (_, { data: { service_name } }) => ({ service_name, has_lost: false }),
    },
    StartupPassed: ignore,
    HealthChanged: ignore,
    CheckStopped: {
      keys: ({ data }) => [data.service_name],
      fold: (row, { data: { reason } }) =>
        row && { ...row, has_lost: row.has_lost || !leavesByItself(reason) },
    },
    InstanceForgotten: ignore,
    NeedsChanged: ignore,
    ServiceCheckChanged: ignore,
    ServiceForgotten: forgotten,
  },
};

interface NeedsRow {
  readonly [column: string]: unknown;
  readonly service_name: string;
  readonly dependencies: readonly Need[];
}

const serviceNeeds: Table<NeedsRow, HealthEvent> = {
  name: 'service_needs',
  key: 'service_name',
  columns: { service_name: 'text', dependencies: 'json' },
  on: {
    CheckStarted: ignore,
    StartupPassed: ignore,
    HealthChanged: ignore,
    CheckStopped: ignore,
    InstanceForgotten: ignore,
    NeedsChanged: {
      keys: ({ data }) => [data.service_name],
      fold: (_, { data: { service_name, dependencies } }) => ({ service_name, dependencies }),
    },
    ServiceCheckChanged: ignore,
    ServiceForgotten: forgotten,
  },
};

/** What the checks of each instance saw last, how its service wants it checked, and what that one needs. */
export const checks: Projection = {
  name: 'health.checks',
  version: 6,
  tables: [check, serviceCheck, checkedService, serviceNeeds],
};
