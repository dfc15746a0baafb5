import { z } from 'zod';
import { event, query } from '../contract';
import * as f from '../fields';

const context = 'registry' as const;

export const dependencyType = z.enum(['synchronous', 'asynchronous', 'database', 'cache']);
export const fallbackStrategy = z.enum(['fail_fast', 'default_response', 'circuit_breaker']);

/** How a call that failed is tried again; times in milliseconds. */
const dependencyRetry = z.strictObject({
  max_retries: z.number().int().min(0).max(20),
  initial_delay_ms: z.number().int().min(0).max(600_000).optional(),
  max_delay_ms: z.number().int().min(0).max(3_600_000).optional(),
});

/** What a service needs of another one. What is left out has the value named here. */
export const dependency = z.strictObject({
  service_name: f.name,
  /**
   * Without it the service cannot work, nor be started before it: should both fail, the service inherits
   * its failure. Default true.
   */
  required: z.boolean().optional(),
  /** Default `synchronous`. */
  dependency_type: dependencyType.optional(),
  /** Its failure is the service's failure too, whatever the service's own checks say. Default false. */
  is_critical: z.boolean().optional(),
  /** Default true. */
  circuit_breaker_enabled: z.boolean().optional(),
  /** Of one call. Default 5,000. */
  timeout_ms: z.number().int().min(1).max(3_600_000).optional(),
  retry_policy: dependencyRetry.optional(),
  fallback_strategy: fallbackStrategy.optional(),
  monitoring_enabled: z
    .boolean()
    .optional()
    .describe(
      'Whether callers that use the SDK report how calls to it by name ended, which counts beside its checks. Default true',
    ),
});

/** A name alone is a required, synchronous dependency. */
const saidDependency = z.union([f.name, dependency]);
type SaidDependency = z.output<typeof saidDependency>;

export const dependencies = z
  .array(saidDependency)
  .max(200)
  .superRefine(
    f.noneTwice((one: SaidDependency) => (typeof one === 'string' ? one : one.service_name)),
  );

export const declaredDependency = z.object({
  service_name: f.name,
  required: z.boolean(),
  dependency_type: dependencyType,
  is_critical: z.boolean(),
  circuit_breaker_enabled: z.boolean(),
  timeout_ms: z.number().int(),
  retry_policy: dependencyRetry.optional(),
  fallback_strategy: fallbackStrategy.optional(),
  monitoring_enabled: z.boolean(),
});

/** What a service needs of another one, with nothing left out. */
export type DeclaredDependency = z.output<typeof declaredDependency>;

export const dependencyStatus = z
  .enum(['satisfied', 'degraded', 'unavailable', 'missing'])
  .describe(
    'satisfied: all its instances are healthy. degraded: some are, or its address is called unchecked. unavailable: nothing of it can be called. missing: nobody has registered it',
  );

export const listDependencies = query({
  context,
  name: 'list-dependencies',
  summary: 'What a service needs, whether it has it, and who needs the service',
  input: z.strictObject({ service_id: f.name }),
  answer: z.object({
    service_id: f.name,
    is_satisfied: z.boolean().describe('Every required dependency can be called'),
    dependencies: z.array(declaredDependency.extend({ status: dependencyStatus })),
    dependents: z.array(z.object({ service_name: f.name, required: z.boolean() })),
  }),
  http: { method: 'GET', path: '/services/{service_id}/dependencies' },
});

const edge = z.object({ source: f.name, target: f.name });

export const dependencyGraph = query({
  context,
  name: 'dependency-graph',
  summary:
    'Which services need which, in which order they can be started, and what is wrong with it',
  input: z.strictObject({}),
  answer: z.object({
    services: z.array(f.name),
    dependencies: z.array(
      edge.extend({
        required: z.boolean(),
        dependency_type: dependencyType,
        is_critical: z.boolean(),
      }),
    ),
    missing: z.array(edge).describe('Dependencies on services that nobody has registered'),
    circular_dependencies: z
      .array(z.array(f.name))
      .describe('Services that need one another, through optional dependencies at least once'),
    start_order: z
      .array(z.array(f.name))
      .describe('Groups: each needs only what is in groups before it; one group can start at once'),
  }),
  http: { method: 'GET', path: '/dependencies' },
});

export const dependenciesDeclared = event({
  context,
  name: 'DependenciesDeclared',
  version: 1,
  summary: 'A service needs other services than before; this is all it needs from now on',
  idField: 'service_name',
  data: z.object({ service_name: f.name, dependencies: z.array(declaredDependency) }),
  example: {
    service_name: 'billing',
    dependencies: [
      {
        service_name: 'ledger',
        required: true,
        dependency_type: 'synchronous',
        is_critical: true,
        circuit_breaker_enabled: true,
        timeout_ms: 5_000,
        monitoring_enabled: true,
      },
    ],
  },
});
