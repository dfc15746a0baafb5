import { z } from 'zod';
import { command, event, query } from './contract';
import * as f from './fields';
import { checkPhase, healthCheck, natsSubject } from './health-checks';
import { capabilities, versionRange } from './registry-capabilities';
import { configurationCommands } from './registry-configuration';
import { configurationQueries } from './registry-configuration-queries';
import {
  dependencies,
  dependenciesDeclared,
  dependencyGraph,
  listDependencies,
} from './registry-dependencies';
import { directory, target } from './registry-directory';

export * from './health-checks';
export type { SaidCapability } from './registry-capabilities';
export * from './registry-configuration';
export * from './registry-configuration-queries';
export * from './registry-dependencies';
export * from './registry-directory';
export * from './registry-secrets';

const context = 'registry' as const;

export const serviceType = z.enum(['api', 'worker', 'scheduler', 'gateway']);
export const environment = z.enum(['development', 'staging', 'production']);
export const instanceStatus = z.enum(['starting', 'healthy', 'unhealthy', 'terminating']);
export type InstanceStatus = z.output<typeof instanceStatus>;

/**
 * How far an instance has come. One that announces nothing is `registered`, and `running` once it is
 * healthy; one that does takes calls from when it says `running`. It goes forward only.
 */
export const lifecycle = z.enum([
  'registered',
  'initializing',
  'starting',
  'running',
  'stopping',
  'stopped',
  'failed',
]);
export type Lifecycle = z.output<typeof lifecycle>;

const serviceFields = {
  service_version: f.version,
  service_type: serviceType,
  service_description: f.line(1_000).optional(),
  deployment_environment: environment,
  base_url: f.httpUrl.optional(),
  /** Default `/health`. */
  health_check_endpoint: f.urlPath.optional(),
  metrics_endpoint: f.urlPath.optional(),
  documentation_url: f.httpUrl.optional(),
  owner_team: f.line(200).optional(),
  dependencies,
  capabilities: capabilities.optional(),
  configuration_schema: f.labels.optional(),
  resource_requirements: z
    .strictObject({
      cpu_limit: f.line(32),
      memory_limit: f.line(32),
      storage_limit: f.line(32).optional(),
    })
    .optional(),
  scaling_config: z
    .strictObject({
      min_replicas: z.number().int().min(0).max(10_000),
      max_replicas: z.number().int().min(0).max(10_000),
      target_cpu_percent: z.number().min(1).max(100),
    })
    .optional(),
  health_check: healthCheck.optional(),
};

export const registerService = command({
  context,
  name: 'RegisterService',
  summary: 'Register a service, or say again what it is',
  idField: 'service_name',
  data: z.strictObject({ service_name: f.name, ...serviceFields }),
  answer: z.object({ service_id: f.name }),
  example: {
    service_name: 'billing',
    service_version: '1.4.0',
    service_type: 'api',
    deployment_environment: 'production',
    health_check_endpoint: '/health',
    dependencies: ['ledger', { service_name: 'mailer', required: false, timeout_ms: 2_000 }],
    capabilities: ['invoicing', { name: 'refunds', version: '0.3.0' }],
  },
  http: { method: 'POST', path: '/services' },
});

export const updateService = command({
  context,
  name: 'UpdateService',
  summary: 'Change what is known of a service; fields left out stay as they are',
  idField: 'service_id',
  data: z.strictObject({ service_id: f.name, ...z.strictObject(serviceFields).partial().shape }),
  answer: z.object({ service_id: f.name }),
  example: { service_id: 'billing', service_version: '1.5.0' },
  http: { method: 'PUT', path: '/services/{service_id}' },
});

/** A connection as its NATS server names it, in what it says when a client connects. */
export const natsSession = z.strictObject({
  server_id: f.externalId,
  client_id: z.number().int().min(0),
});
export type NatsSession = z.output<typeof natsSession>;

export const registerInstance = command({
  context,
  name: 'RegisterInstance',
  summary: 'Register a running instance of a service',
  idField: 'instance_id',
  data: z.strictObject({
    service_id: f.name,
    instance_id: f.externalId,
    node_name: f.line(253),
    ip_address: z.union([z.ipv4(), z.ipv6()]),
    port: z.number().int().min(1).max(65_535),
    version: f.version,
    metadata: f.labels.optional(),
    zone: f.name.optional(),
    /** Its share of the calls relative to the other instances'; 1 when absent. */
    weight: z.number().min(0.01).max(1_000).optional(),
    /** 0, which is meant when it is absent, is called first; others take what those before cannot. */
    priority: z.number().int().min(0).max(10).optional(),
    /** The NATS connection that stands for it: when that closes, the instance is gone at once. */
    session: natsSession.optional(),
    /** Without a heartbeat for this long the instance is removed; absent: heartbeats are not expected. */
    heartbeat_ttl_ms: z.number().int().min(1_000).max(3_600_000).optional(),
    /** Where it is asked over NATS whether it works; for services whose checks are of the kind nats. */
    health_check_subject: natsSubject.optional(),
  }),
  answer: z.object({ service_id: f.name, instance_id: f.externalId }),
  example: {
    service_id: 'billing',
    instance_id: 'billing-1',
    node_name: 'node-a',
    ip_address: '10.0.0.7',
    port: 3000,
    version: '1.4.0',
    heartbeat_ttl_ms: 15_000,
  },
  http: { method: 'POST', path: '/services/{service_id}/instances' },
});

export const resourceUsage = z.strictObject({
  cpu_percent: z.number().min(0).max(100_000),
  memory_mb: z.number().min(0),
  disk_mb: z.number().min(0).optional(),
  requests_per_minute: z.number().min(0).optional(),
});

export const heartbeat = command({
  context,
  name: 'Heartbeat',
  summary: 'Say that an instance is alive, and what it uses',
  idField: 'instance_id',
  data: z.strictObject({
    service_id: f.name,
    instance_id: f.externalId,
    resource_usage: resourceUsage.optional(),
  }),
  answer: z.object({ instance_id: f.externalId }),
  example: {
    service_id: 'billing',
    instance_id: 'billing-1',
    resource_usage: { cpu_percent: 12.5, memory_mb: 180, requests_per_minute: 340 },
  },
  http: { method: 'POST', path: '/services/{service_id}/instances/{instance_id}/heartbeat' },
});

export const announceLifecycle = command({
  context,
  name: 'AnnounceLifecycle',
  summary: 'Say how far an instance has come; it takes calls while it is running',
  idField: 'instance_id',
  data: z.strictObject({
    service_id: f.name,
    instance_id: f.externalId,
    lifecycle: lifecycle.extract(['initializing', 'starting', 'running', 'stopping', 'failed']),
    detail: f.line(500).optional(),
  }),
  answer: z.object({ instance_id: f.externalId, lifecycle }),
  example: {
    service_id: 'billing',
    instance_id: 'billing-1',
    lifecycle: 'initializing',
    detail: 'warming its cache',
  },
  http: { method: 'PUT', path: '/services/{service_id}/instances/{instance_id}/lifecycle' },
});

export const deregisterInstance = command({
  context,
  name: 'DeregisterInstance',
  summary: 'Take an instance out of service; it is listed as terminating for a moment, then gone',
  idField: 'instance_id',
  data: z.strictObject({
    service_id: f.name,
    instance_id: f.externalId,
    reason: f.line(500).optional(),
  }),
  answer: z.object({ instance_id: f.externalId, status: instanceStatus }),
  example: { service_id: 'billing', instance_id: 'billing-1', reason: 'scaled down' },
  http: { method: 'DELETE', path: '/services/{service_id}/instances/{instance_id}' },
});

export const service = z.object({
  id: f.name,
  service_name: f.name,
  service_version: f.version,
  service_type: serviceType,
  service_description: z.string().optional(),
  deployment_environment: environment,
  base_url: z.string().optional(),
  health_check_endpoint: z.string().optional(),
  metrics_endpoint: z.string().optional(),
  documentation_url: z.string().optional(),
  owner_team: z.string().optional(),
  health_status: z
    .enum(['healthy', 'degraded', 'unhealthy'])
    .describe(
      'healthy: all instances are. degraded: some are, or there is none and `base_url`, which nobody checks, is called. unhealthy: nothing can be called',
    ),
  instance_count: z.number().int(),
  healthy_instances: z.number().int(),
  dependencies: z.array(f.name),
  capabilities: z.array(f.name),
  capability_versions: z.record(f.name, f.version),
  resource_usage: z.object({
    cpu_percent: z.number(),
    memory_mb: z.number(),
    requests_per_minute: z.number(),
  }),
  last_deployment: f.instant,
  created_at: f.instant,
  updated_at: f.instant,
});

export const listServices = query({
  context,
  name: 'list-services',
  summary: 'The services, by name',
  input: z.strictObject({
    environment: environment.optional(),
    service_type: serviceType.optional(),
    limit: f.pageLimit,
    cursor: f.cursor,
  }),
  answer: z.object({
    services: z.array(service),
    total_services: z.number().int(),
    healthy_services: z.number().int().describe('Those whose `health_status` is healthy'),
    next_cursor: f.nextCursor,
  }),
  http: { method: 'GET', path: '/services' },
});

export const getService = query({
  context,
  name: 'get-service',
  summary: 'One service',
  input: z.strictObject({ service_id: f.name }),
  answer: service,
  http: { method: 'GET', path: '/services/{service_id}' },
});

export const instance = z.object({
  id: f.externalId,
  service_id: f.name,
  instance_id: f.externalId,
  node_name: z.string(),
  ip_address: z.string(),
  port: z.number().int(),
  status: instanceStatus,
  status_reason: z.string().optional().describe('What the last check said, or why it goes away'),
  status_changed_at: f.instant,
  lifecycle,
  is_offered: z.boolean().describe('It takes new calls'),
  suppressed_until: f.instant
    .optional()
    .describe('It changed between healthy and unhealthy too often, and is held back until then'),
  zone: z.string().optional(),
  version: f.version,
  metadata: f.jsonObject,
  resource_usage: z.object({
    cpu_percent: z.number(),
    memory_mb: z.number(),
    disk_mb: z.number(),
  }),
  health_check_failures: z.number().int(),
  last_health_check: f.instant.optional(),
  started_at: f.instant,
  last_seen_at: f.instant,
});

export const listInstances = query({
  context,
  name: 'list-instances',
  summary: 'The instances of a service',
  input: z.strictObject({
    service_id: f.name,
    status: instanceStatus.optional(),
    limit: f.pageLimit,
    cursor: f.cursor,
  }),
  answer: z.object({
    instances: z.array(instance),
    total_count: z.number().int(),
    next_cursor: f.nextCursor,
  }),
  http: { method: 'GET', path: '/services/{service_id}/instances' },
});

export const findInstances = query({
  context,
  name: 'find-instances',
  summary: 'Healthy instances, by the name of a service or by a capability',
  input: z
    .strictObject({
      service_name: f.name.optional(),
      capability: f.name.optional(),
      /** Of the capability: a range as npm writes it, such as `^1.2.0`. */
      version: versionRange.optional(),
    })
    .refine((input) => (input.service_name === undefined) !== (input.capability === undefined), {
      path: ['service_name'],
      message: 'or capability must be given, and only one of them',
    })
    .refine(({ capability, version }) => version === undefined || capability !== undefined, {
      path: ['version'],
      message: 'is that of a capability, and none is named',
    }),
  answer: z.object({ instances: z.array(target) }),
  http: { method: 'GET', path: '/discovery/instances' },
});

export const explainInstance = query({
  context,
  name: 'explain-instance',
  summary: 'Whether an instance is offered to callers, and if not, why',
  input: z.strictObject({
    service_id: f.name,
    instance_id: f.externalId,
    /** Asks for callers who look for this capability; absent: for those who look for the service. */
    capability: f.name.optional(),
    version: versionRange.optional(),
  }),
  answer: z.object({
    service_id: f.name,
    instance_id: f.externalId,
    status: instanceStatus,
    is_offered: z.boolean(),
    reasons: z
      .array(
        z.object({
          code: z.enum([
            'not-checked-yet',
            'fails-its-checks',
            'not-running-yet',
            'changes-too-often',
            'has-failed',
            'startup-timed-out',
            'needs-restart',
            'not-ready',
            'goes-away',
            'lacks-the-capability',
          ]),
          message: z.string(),
          /** Which check says so, of an instance with phases. */
          phase: checkPhase.optional(),
          since: f.instant.optional(),
        }),
      )
      .describe('Empty when it is offered; else everything that stands against it'),
  }),
  http: { method: 'GET', path: '/services/{service_id}/instances/{instance_id}/offer' },
});

export const instanceRegistered = event({
  context,
  name: 'InstanceRegistered',
  version: 1,
  summary: 'An instance exists and should be checked from now on',
  idField: 'instance_id',
  data: z.object({
    service_name: f.name,
    instance_id: f.externalId,
    check: healthCheck.extend({ url: z.string(), subject: z.string().optional() }),
  }),
  example: {
    service_name: 'billing',
    instance_id: 'billing-1',
    check: {
      url: 'http://10.0.0.7:3000/health',
      interval_ms: 5_000,
      timeout_ms: 2_000,
      failure_threshold: 3,
      success_threshold: 1,
    },
  },
});

export const instanceTerminating = event({
  context,
  name: 'InstanceTerminating',
  version: 1,
  summary: 'An instance is going away: it gets no new calls and needs no checks',
  idField: 'instance_id',
  data: z.object({ service_name: f.name, instance_id: f.externalId, reason: z.string() }),
  example: { service_name: 'billing', instance_id: 'billing-1', reason: 'heartbeat-expired' },
});

export const instanceRemoved = event({
  context,
  name: 'InstanceRemoved',
  version: 1,
  summary: 'An instance is gone for good',
  idField: 'instance_id',
  data: z.object({ service_name: f.name, instance_id: f.externalId }),
  example: { service_name: 'billing', instance_id: 'billing-1' },
});

export const serviceCheckChanged = event({
  context,
  name: 'ServiceCheckChanged',
  version: 1,
  summary: 'All instances of a service, those to come too, are checked in another way from now on',
  idField: 'service_name',
  /** What is absent stays as it is. */
  data: z.object({
    service_name: f.name,
    health_check: healthCheck.optional(),
    health_check_endpoint: f.urlPath.optional(),
  }),
  example: { service_name: 'billing', health_check_endpoint: '/healthz' },
});

export const registry = {
  commands: [
    registerService,
    updateService,
    registerInstance,
    heartbeat,
    announceLifecycle,
    deregisterInstance,
    ...configurationCommands,
  ],
  queries: [
    listServices,
    getService,
    listInstances,
    findInstances,
    explainInstance,
    listDependencies,
    dependencyGraph,
    directory,
    ...configurationQueries,
  ],
  events: [
    instanceRegistered,
    instanceTerminating,
    instanceRemoved,
    serviceCheckChanged,
    dependenciesDeclared,
  ],
} as const;
