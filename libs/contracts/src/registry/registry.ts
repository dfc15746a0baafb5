import { z } from 'zod';
import { command, event, query } from '../contract';
import * as f from '../fields';
import { checkPhase, healthCheck } from '../health/checks';
import { inheritedFailure } from '../health/system';
import { capabilities, versionRange } from './capabilities';
import { configurationCommands } from './configuration';
import { configurationQueries } from './configuration-queries';
import {
  declaredDependency,
  dependencies,
  dependenciesDeclared,
  dependencyGraph,
  listDependencies,
} from './dependencies';
import { directory, target } from './directory';
import { registerInstance, registerInstances } from './instances';
import { lifecycle } from './lifecycle';

export * from '../health/checks';
export type { SaidCapability } from './capabilities';
export * from './configuration';
export * from './configuration-queries';
export * from './dependencies';
export * from './directory';
export * from './instances';
export * from './lifecycle';
export * from './secrets';

const context = 'registry' as const;

export const serviceType = z.enum(['api', 'worker', 'scheduler', 'gateway']);
export const environment = z.enum(['development', 'staging', 'production']);
export const instanceStatus = z.enum(['starting', 'healthy', 'unhealthy', 'terminating']);
export type InstanceStatus = z.output<typeof instanceStatus>;

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
  summary:
    'Register a service, or say again what it is; an older version than the one that is registered changes nothing while somebody runs a newer one than it',
  idField: 'service_name',
  data: z.strictObject({ service_name: f.name, ...serviceFields }),
  answer: z.object({
    service_id: f.name,
    service_version: f.version
      .optional()
      .describe(
        'The one that is registered now; newer than what was said: that stays as it is, until no instance newer than what was said is listed',
      ),
  }),
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

/** What null takes back, as if it had never been said. */
const takenBack = {
  service_description: serviceFields.service_description.nullable(),
  base_url: serviceFields.base_url.nullable(),
  metrics_endpoint: serviceFields.metrics_endpoint.nullable(),
  documentation_url: serviceFields.documentation_url.nullable(),
  owner_team: serviceFields.owner_team.nullable(),
  resource_requirements: serviceFields.resource_requirements.nullable(),
  scaling_config: serviceFields.scaling_config.nullable(),
};

export const updateService = command({
  context,
  name: 'UpdateService',
  summary:
    'Change what is known of a service; fields left out stay as they are, null takes back what need not be said',
  idField: 'service_id',
  data: z.strictObject({
    service_id: f.name,
    ...z.strictObject(serviceFields).partial().shape,
    ...takenBack,
  }),
  answer: z.object({ service_id: f.name }),
  example: { service_id: 'billing', service_version: '1.5.0' },
  http: { method: 'PUT', path: '/services/{service_id}' },
});

export const retireService = command({
  context,
  name: 'RetireService',
  summary:
    'Say that a service is no more: nobody finds it, and its health is nobody’s concern; registered again it is back, as by any start of one of its instances',
  idField: 'service_id',
  data: z.strictObject({
    service_id: f.name,
    reason: f.line(500).optional(),
    /** Although others need it. */
    force: z.stringbool().or(z.boolean()).optional(),
  }),
  answer: z.object({ service_id: f.name }),
  example: { service_id: 'billing', reason: 'its work is done by invoicing now' },
  http: { method: 'DELETE', path: '/services/{service_id}' },
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
  capability_versions: z
    .record(f.name, f.version)
    .describe(
      'One said without a version has that of the service here; an instance has it in its own',
    ),
  resource_usage: z
    .object({
      cpu_percent: z.number(),
      memory_mb: z.number(),
      requests_per_minute: z.number(),
    })
    .optional()
    .describe('As the last heartbeats say; absent for the past, of which they are not kept'),
  is_active: z.boolean().describe('False: it was retired, and not registered since'),
  retired_at: f.instant.optional(),
  retirement_reason: z.string().optional(),
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
    is_active: z
      .stringbool()
      .or(z.boolean())
      .default(true)
      .describe('False: those that were retired'),
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
  weight: z.number().describe('Its share of the calls relative to the other instances'),
  priority: z.number().int().describe('0 is called first'),
  heartbeat_ttl_ms: z
    .number()
    .int()
    .optional()
    .describe('Silent for longer, it counts as gone; absent: heartbeats are not expected'),
  version: f.version,
  metadata: f.jsonObject,
  resource_usage: z
    .object({
      cpu_percent: z.number(),
      memory_mb: z.number(),
      disk_mb: z.number(),
    })
    .optional()
    .describe('As the last heartbeat says; absent for the past, of which none is kept'),
  health_check_failures: z.number().int(),
  last_health_check: f.instant.optional(),
  started_at: f.instant,
  last_seen_at: f.instant
    .optional()
    .describe('When it was heard of last, or found healthy or not; absent for the past'),
});

/** Of an instance that is no longer there. */
const goneInstance = z.object({
  instance_id: f.externalId,
  lifecycle: lifecycle
    .extract(['stopped', 'failed'])
    .describe('stopped: it said goodbye. failed: it was given up'),
  reason: z.string().describe('What it said, or why it was given up'),
  ended_at: f.instant,
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
    gone: z
      .array(goneInstance)
      .describe('On the first page: those that ended, the last first, at most 50'),
    next_cursor: f.nextCursor,
  }),
  http: { method: 'GET', path: '/services/{service_id}/instances' },
});

export const findInstances = query({
  context,
  name: 'find-instances',
  summary: 'What can be called, by the name of a service or by a capability',
  input: z
    .strictObject({
      service_name: f.name.optional(),
      capability: f.name.optional(),
      /** Of the capability: a range as npm writes it, such as `^1.2.0`. */
      version: versionRange.optional(),
      /** Absent: services of all of them. */
      environment: environment.optional(),
      limit: z.coerce.number().int().min(1).max(1_000).default(1_000),
      cursor: f.cursor,
    })
    .refine((input) => (input.service_name === undefined) !== (input.capability === undefined), {
      path: ['service_name'],
      message: 'or capability must be given, and only one of them',
    })
    .refine(({ capability, version }) => version === undefined || capability !== undefined, {
      path: ['version'],
      message: 'is that of a capability, and none is named',
    }),
  answer: z.object({
    instances: z
      .array(
        target.extend({
          instance_id: f.externalId.describe(
            '`service:<name>`: the `base_url` of a service that has no instances; nobody checks it',
          ),
          environment,
        }),
      )
      .describe('Instances that take calls, in the order of services'),
    total_count: z.number().int(),
    next_cursor: f.nextCursor,
  }),
  http: { method: 'GET', path: '/discovery/instances' },
});

export const explainInstance = query({
  context,
  name: 'explain-instance',
  summary:
    'Whether an instance is offered to callers, and if not, why; and where breakers are seen',
  input: z.strictObject({
    service_id: f.name,
    instance_id: f.externalId,
    /** Asks for callers who look for this capability; absent: for those who look for the service. */
    capability: f.name.optional(),
    version: versionRange.optional(),
    /** Asks for this service; absent: for whoever calls. */
    caller: f.name.optional(),
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
            'inherited',
            'not-ready',
            'goes-away',
            'has-ended',
            'lacks-the-capability',
            'in-another-environment',
          ]),
          message: z.string(),
          /** Which check says so, of an instance with phases. */
          phase: checkPhase.optional(),
          /** Its service fails with another one: a restart of this one helps nobody, unless it needs one. */
          inherited: inheritedFailure.optional(),
          since: f.instant.optional(),
        }),
      )
      .describe('Empty when it is offered; else everything that stands against it'),
    caller: z
      .object({
        service_name: f.name,
        environment,
        dependency: declaredDependency
          .optional()
          .describe('What it declares that it needs of the service; absent: nothing'),
      })
      .optional()
      .describe('Who was asked for'),
    breakers: z
      .object({
        query: z.string(),
        input: z.object({ service_name: f.name.optional(), target_service: z.string() }),
        path: z.string().describe('The same question, below `/api/orchestration`'),
      })
      .describe(
        'Always there. Whether the breakers of callers let calls through does not stand in `reasons`: callers tell it to the health context, which is asked like this',
      ),
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

export const serviceRetired = event({
  context,
  name: 'ServiceRetired',
  version: 1,
  summary: 'A service is no more, until it is registered again',
  idField: 'service_name',
  data: z.object({ service_name: f.name }),
  example: { service_name: 'billing' },
});

export const registry = {
  commands: [
    registerService,
    updateService,
    retireService,
    registerInstance,
    registerInstances,
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
    serviceRetired,
    dependenciesDeclared,
  ],
} as const;
