import type { AnswerOf, registryContract } from '@downbeat/contracts';
import type { Instant, JsonObject } from '@downbeat/eventsourcing';
import {
  capabilitiesOf,
  dependencyNames,
  type Capability,
  type SaidDependencies,
} from '@downbeat/registry-domain';

type ServiceAnswer = AnswerOf<typeof registryContract.getService>;
type InstanceAnswer = AnswerOf<typeof registryContract.listInstances>['instances'][number];

/** A row of `service` as Postgres gives it, with its instances counted. */
export interface CountedService {
  readonly service_name: string;
  readonly service_version: string;
  readonly service_type: string;
  readonly deployment_environment: string;
  readonly base_url: string | null;
  readonly retired_at: Instant | null;
  readonly retirement_reason: string | null;
  readonly details: JsonObject;
  readonly last_deployment: Instant;
  readonly created_at: Instant;
  readonly updated_at: Instant;
  readonly instance_count: number;
  readonly healthy_instances: number;
}

export interface ListedInstance {
  readonly instance_id: string;
  readonly service_id: string;
  readonly node_name: string;
  readonly ip_address: string;
  readonly port: number;
  readonly status: string;
  readonly version: string;
  readonly metadata: JsonObject;
  readonly health_check_failures: number;
  readonly last_health_check: Instant | null;
  readonly started_at: Instant;
  readonly status_changed_at: Instant;
  readonly status_reason: string | null;
  readonly lifecycle: string;
  readonly suppressed_until: Instant | null;
  readonly is_offered: boolean;
  readonly zone: string | null;
  readonly weight: number | null;
  readonly priority: number | null;
  readonly heartbeat_ttl_ms: number | null;
}

export interface Heard {
  readonly last_seen_at: Date;
  readonly resource_usage: { cpu_percent: number; memory_mb: number; disk_mb?: number } | null;
}

const NOTHING_USED = { cpu_percent: 0, memory_mb: 0, requests_per_minute: 0 };

/** What heartbeats say, by the name of whom they are of. They are not kept, so that there is nothing for the past. */
export type HeardNow<Said> = ReadonlyMap<string, Said> | undefined;
export type Usage = Exclude<ServiceAnswer['resource_usage'], undefined>;

export function serviceAnswer(row: CountedService, usage: HeardNow<Usage>): ServiceAnswer {
  const { capabilities: _, dependencies, ...details } = row.details;
  return {
    ...(details as Partial<ServiceAnswer>),
    id: row.service_name,
    service_name: row.service_name,
    service_version: row.service_version,
    service_type: row.service_type as ServiceAnswer['service_type'],
    deployment_environment: row.deployment_environment as ServiceAnswer['deployment_environment'],
    ...(row.base_url === null ? {} : { base_url: row.base_url }),
    health_status: healthOf(row),
    instance_count: row.instance_count,
    healthy_instances: row.healthy_instances,
    dependencies: [...dependencyNames((dependencies ?? []) as SaidDependencies)],
    ...capabilityAnswer(row),
    ...(usage && { resource_usage: usage.get(row.service_name) ?? NOTHING_USED }),
    is_active: row.retired_at === null,
    ...(row.retired_at !== null && { retired_at: row.retired_at }),
    ...(row.retirement_reason !== null && { retirement_reason: row.retirement_reason }),
    last_deployment: row.last_deployment,
    created_at: row.created_at,
    updated_at: row.updated_at,
  };
}

/** @param version Of whoever has those that were said without one. */
export const capabilitiesIn = (
  { details }: Pick<CountedService, 'details'>,
  version: string,
): readonly Capability[] =>
  capabilitiesOf(
    (details['capabilities'] ?? []) as readonly registryContract.SaidCapability[],
    version,
  );

export function capabilityAnswer(
  row: Pick<CountedService, 'service_version' | 'details'>,
): Pick<ServiceAnswer, 'capabilities' | 'capability_versions'> {
  const all = capabilitiesIn(row, row.service_version);
  return {
    capabilities: all.map(({ name }) => name),
    capability_versions: Object.fromEntries(all.map(({ name, version }) => [name, version])),
  };
}

/** Instances are checked. An address of a service's own is called as it is, so nobody can call it healthy. */
export function healthOf(
  row: Pick<CountedService, 'base_url' | 'instance_count' | 'healthy_instances'>,
): ServiceAnswer['health_status'] {
  if (row.instance_count === 0) return row.base_url === null ? 'unhealthy' : 'degraded';
  if (row.healthy_instances === row.instance_count) return 'healthy';
  return row.healthy_instances === 0 ? 'unhealthy' : 'degraded';
}

export function instanceAnswer(row: ListedInstance, heard: HeardNow<Heard>): InstanceAnswer {
  return {
    id: row.instance_id,
    service_id: row.service_id,
    instance_id: row.instance_id,
    node_name: row.node_name,
    ip_address: row.ip_address,
    port: row.port,
    status: row.status as InstanceAnswer['status'],
    ...(row.status_reason === null ? {} : { status_reason: row.status_reason }),
    status_changed_at: row.status_changed_at,
    lifecycle: row.lifecycle as InstanceAnswer['lifecycle'],
    is_offered: row.is_offered,
    ...(row.suppressed_until === null ? {} : { suppressed_until: row.suppressed_until }),
    ...(row.zone === null ? {} : { zone: row.zone }),
    weight: row.weight ?? 1,
    priority: row.priority ?? 0,
    ...(row.heartbeat_ttl_ms === null ? {} : { heartbeat_ttl_ms: row.heartbeat_ttl_ms }),
    version: row.version,
    metadata: row.metadata as InstanceAnswer['metadata'],
    health_check_failures: row.health_check_failures,
    ...(row.last_health_check === null ? {} : { last_health_check: row.last_health_check }),
    started_at: row.started_at,
    ...(heard && heardAnswer(row, heard.get(row.instance_id))),
  };
}

function heardAnswer(
  row: ListedInstance,
  heard: Heard | undefined,
): Pick<InstanceAnswer, 'resource_usage' | 'last_seen_at'> {
  // Instants sort as text.
  const last_seen_at = [row.started_at, row.last_health_check, heard?.last_seen_at.toISOString()]
    .filter((time) => typeof time === 'string')
    .reduce((newest, time) => (time > newest ? time : newest));
  const resource_usage = { cpu_percent: 0, memory_mb: 0, disk_mb: 0, ...heard?.resource_usage };
  return { resource_usage, last_seen_at };
}
