import type { registryContract } from '@downbeat/contracts';
import { ignore, type Change, type Table } from '@downbeat/projections';
import type { Instant, JsonObject, RecordedEvent } from '@downbeat/eventsourcing';
import {
  isOffered,
  REGISTERED,
  registeredAfter,
  standingAfter,
  type Adjustable,
  type InstanceEvent,
  type Standing,
} from '@downbeat/registry-domain';
import type { RegistryEvent } from '../registry-events';

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
  /** When it said anew how it is to be heard and called: from then on its silence is counted. */
  readonly adjusted_at: Instant | null;
  readonly status_changed_at: Instant;
  /** What the last check said, or why it goes away. */
  readonly status_reason: string | null;
  /** Of an unhealthy instance with phases: which check fails, and what follows from it. */
  readonly status_phase: string | null;
  readonly status_code: string | null;
  /** Of an unhealthy instance whose service fails with another one. */
  readonly status_inherited: JsonObject | null;
  readonly lifecycle: string;
  readonly lifecycle_detail: string | null;
  readonly suppressed_until: Instant | null;
  /** Takes new calls. */
  readonly is_offered: boolean;
  readonly zone: string | null;
  readonly has_session: boolean;
  readonly session: registryContract.NatsSession | null;
  readonly weight: number | null;
  readonly priority: number | null;
}

export const instance: Table<InstanceRow, RegistryEvent> = {
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
    adjusted_at: 'instant?',
    status_changed_at: 'instant',
    status_reason: 'text?',
    status_phase: 'text?',
    status_code: 'text?',
    status_inherited: 'json?',
    lifecycle: 'text',
    lifecycle_detail: 'text?',
    suppressed_until: 'instant?',
    is_offered: 'boolean',
    zone: 'text?',
    has_session: 'boolean',
    session: 'json?',
    weight: 'double?',
    priority: 'bigint?',
  },
  indexes: [['service_id', 'status']],
  on: {
    ServiceRegistered: ignore,
    ServiceChanged: ignore,
    ServiceRetired: ignore,
    DependenciesDeclared: ignore,
    InstanceRegistered: {
      keys: ({ data }) => [data.instance_id],
      fold: (row, { data, recorded_at }) => ({
        instance_id: data.instance_id,
        service_id: data.service_id,
        node_name: data.node_name,
        ip_address: data.ip_address,
        port: data.port,
        version: data.version,
        ...adjustableColumns(data),
        health_check_failures: 0,
        last_health_check: null,
        started_at: recorded_at,
        adjusted_at: null,
        status_changed_at: recorded_at,
        status_reason: null,
        status_phase: null,
        status_code: null,
        status_inherited: null,
        lifecycle_detail: null,
        zone: data.zone ?? null,
        has_session: data.session !== undefined,
        session: data.session ?? null,
        ...columnsOf(row ? registeredAfter(standingOf(row)) : REGISTERED),
      }),
    },
    InstanceSessionMoved: changing(({ data: { session } }) => ({
      has_session: session !== undefined,
      session: session ?? null,
    })),
    InstanceAdjusted: changing(({ data, recorded_at }) => ({
      ...adjustableColumns(data),
      adjusted_at: recorded_at,
    })),
    InstanceLifecycleAnnounced: changing(({ data }) => ({
      lifecycle_detail: data.detail ?? null,
    })),
    InstanceHealthObserved: changing(({ data, recorded_at }) => ({
      health_check_failures: data.failures,
      last_health_check: data.checked_at as Instant,
      status_changed_at: recorded_at,
      status_reason: data.detail,
      status_phase: data.phase ?? null,
      status_code: data.reason ?? null,
      status_inherited: data.inherited ?? null,
    })),
    InstanceSuppressed: changing(() => ({})),
    InstanceReleased: changing(() => ({})),
    InstanceTerminating: changing(({ data, recorded_at }) => ({
      status_changed_at: recorded_at,
      status_reason: data.reason,
      has_session: false,
      session: null,
    })),
    InstanceRemoved: { keys: ({ data }) => [data.instance_id], fold: () => undefined },
  },
};

type Changing = Exclude<InstanceEvent, { type: 'InstanceRegistered' | 'InstanceRemoved' }>;

/** How it stands follows from the event; what else changes is given. */
function changing<Event extends Changing>(
  change: (event: RecordedEvent<Event>) => Partial<InstanceRow>,
): Change<InstanceRow, Event> {
  return {
    keys: ({ data }) => [data.instance_id],
    fold: (row, event) => {
      const standing = row && standingAfter(standingOf(row), event as unknown as Event);
      return row && standing && { ...row, ...change(event), ...columnsOf(standing) };
    },
  };
}

const adjustableColumns = (said: Adjustable) => ({
  metadata: said.metadata ?? {},
  heartbeat_ttl_ms: said.heartbeat_ttl_ms ?? null,
  weight: said.weight ?? null,
  priority: said.priority ?? null,
});

const standingOf = (row: InstanceRow): Standing => ({
  status: row.status as Standing['status'],
  lifecycle: row.lifecycle as Standing['lifecycle'],
  suppressed_until: row.suppressed_until,
});

const columnsOf = (standing: Standing) => ({ ...standing, is_offered: isOffered(standing) });
