import { z } from 'zod';
import * as f from '../fields';
import { isOwnSubject } from '../saga/workflow-definition';

export const checkKind = z
  .enum(['http', 'tcp', 'nats', 'grpc'])
  .describe(
    'http: GET. tcp: a connection. nats: a request to the `health_check_subject` of the instance. grpc: grpc.health.v1.Health/Check over HTTP/2 without TLS',
  );
export type CheckKind = z.output<typeof checkKind>;

/** Where a service listens on NATS; never a subject of the suite's own. */
export const natsSubject = z
  .string()
  .max(255)
  .regex(/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/, 'must be names joined by dots')
  .refine((subject) => !isOwnSubject(subject), "must not be one of the suite's own");

/** What a check asks. What is left out has the value named here; old events lack all of it. */
const asked = {
  /** Default `http`. */
  kind: checkKind.optional(),
  /** Default: the port of the instance. */
  port: z.number().int().min(1).max(65_535).optional(),
  /** Of http. Default: 200 to 299. Redirects are not followed. */
  expected_statuses: z.array(z.number().int().min(200).max(599)).min(1).max(50).optional(),
  /** Of http and nats: a field of the JSON that is answered, and what it may be. */
  expected_body: z
    .strictObject({
      /** Names joined by dots: `status`, `details.database`. */
      field: z
        .string()
        .max(200)
        .regex(/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){0,9}$/, 'must be names joined by dots'),
      values: z
        .array(z.union([z.string().max(200), z.number(), z.boolean()]))
        .min(1)
        .max(20),
    })
    .optional(),
  /** Of grpc: which service of the server is asked for. Default: the server as a whole. */
  grpc_service: f.line(200).optional(),
  /** Share of the interval that is left to chance. Default 0.1. */
  jitter: z.number().min(0).max(1).optional(),
};

const intervalMs = z.number().int().min(100).max(3_600_000);
const timeoutMs = z.number().int().min(50).max(60_000);
const threshold = z.number().int().min(1).max(100);

/** A check that belongs to one phase. What it leaves out is as in the check around it. */
const phase = z.strictObject({
  ...asked,
  /** Of http. Default: the `health_check_endpoint` of the service. */
  endpoint: f.urlPath.optional(),
  interval_ms: intervalMs.optional(),
  timeout_ms: timeoutMs.optional(),
  success_threshold: threshold.optional(),
});
const enduringPhase = phase.extend({ failure_threshold: threshold.optional() });

export const checkPhase = z
  .enum(['startup', 'liveness', 'readiness'])
  .describe('Which of its checks is meant. Without phases: readiness');
export type CheckPhase = z.output<typeof checkPhase>;

/** Why an instance with phases is unhealthy. */
export const unhealthyReason = z
  .enum(['startup-timed-out', 'needs-restart', 'inherited', 'not-ready'])
  .describe(
    'startup-timed-out: its startup check has not passed in time. needs-restart: its liveness check fails; what `inherited` names beside it fell ill later. inherited: its liveness check fails, but the failure began in another service, so that a restart helps nobody. not-ready: its readiness check fails',
  );
export type UnhealthyReason = z.output<typeof unhealthyReason>;

/**
 * How an instance is asked whether it works. Times in milliseconds. Without phases it is one check,
 * and an instance that passes it is offered to callers.
 *
 * @see Kubernetes, "Configure Liveness, Readiness and Startup Probes", for the phases.
 */
export const healthCheck = z.strictObject({
  interval_ms: intervalMs.default(5_000),
  timeout_ms: timeoutMs.default(2_000),
  /** Failures in a row until it counts as unhealthy. */
  failure_threshold: threshold.default(3),
  /** Successes in a row until it counts as healthy. */
  success_threshold: threshold.default(1),
  ...asked,
  /** Until it has passed, the other two are not asked. */
  startup: phase
    .extend({
      /** From the registration; default 60,000. Later it counts as unhealthy, and is asked on. */
      startup_timeout_ms: z.number().int().min(100).max(3_600_000).optional(),
    })
    .optional(),
  /** While it fails the instance needs a restart. */
  liveness: enduringPhase.optional(),
  /** While it fails the instance is not offered. Default: the check around it. */
  readiness: enduringPhase.optional(),
});
export type HealthCheck = z.output<typeof healthCheck>;
