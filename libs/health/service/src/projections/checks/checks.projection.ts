import type { CheckEvent } from '@downbeat/health-domain';
import type { Projection, Table } from '@downbeat/projections';
import type { Instant, JsonObject } from '@downbeat/eventsourcing';

export interface CheckRow {
  readonly [column: string]: unknown;
  readonly instance_id: string;
  readonly service_name: string;
  readonly status: string;
  readonly check: JsonObject;
  readonly failures: number;
  readonly detail: string | null;
  readonly changed_at: Instant;
}

const check: Table<CheckRow, CheckEvent> = {
  name: 'instance_check',
  key: 'instance_id',
  columns: {
    instance_id: 'text',
    service_name: 'text',
    status: 'text',
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
        check: data.check,
        failures: 0,
        detail: null,
        changed_at: recorded_at,
      }),
    },
    HealthChanged: {
      keys: ({ data }) => [data.instance_id],
      fold: (row, { data, recorded_at }) =>
        row && {
          ...row,
          status: data.status,
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
  },
};

/** What the checks of each instance saw last. */
export const checks: Projection = { name: 'health.checks', version: 1, tables: [check] };
