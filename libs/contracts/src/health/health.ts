import { z } from 'zod';
import { event, query } from '../contract';
import * as f from '../fields';
import {
  createCircuitBreaker,
  forceCircuitBreaker,
  putBreakerDefaults,
  releaseCircuitBreaker,
  removeBreakerDefaults,
  removeCircuitBreaker,
  resetCircuitBreaker,
  updateCircuitBreaker,
} from '../breakers/breaker-control';
import { reportBreakers } from '../breakers/breaker-reports';
import {
  breakerDefaults,
  breakerPolicies,
  circuitBreakerChanged,
  circuitBreakerMetrics,
  getCircuitBreaker,
  listCircuitBreakers,
} from '../breakers/breakers';
import { whatIfBreaker } from '../breakers/breaker-what-if';
import { checkKind, checkPhase, unhealthyReason } from './checks';
import { reportCalls } from './calls';
import { inheritedFailure, serviceHealth, systemHealth } from './system';
import { instanceStatus } from '../registry/registry';

export * from '../breakers/breaker-control';
export * from '../breakers/breaker-evidence';
export * from '../breakers/breaker-fields';
export * from '../breakers/breaker-reports';
export * from '../breakers/breaker-what-if';
export * from '../breakers/breakers';
export * from './calls';
export * from './system';

const context = 'health' as const;

export const instanceHealthChanged = event({
  context,
  name: 'InstanceHealthChanged',
  version: 1,
  summary: 'An instance crossed a threshold: it works now, or it does not',
  idField: 'instance_id',
  data: z.object({
    service_name: f.name,
    instance_id: f.externalId,
    status: z.enum(['healthy', 'unhealthy']),
    /** Of an instance with phases. */
    phase: checkPhase.optional(),
    reason: unhealthyReason.optional(),
    /**
     * Of an unhealthy instance whose service fails with another one. Said again when that turns out
     * later, or is over.
     */
    inherited: inheritedFailure.optional(),
    /** Failures in a row at that moment. */
    failures: z.number().int(),
    /** What the last check saw: `HTTP 503`, `timed out after 2000 ms`. */
    detail: z.string(),
    checked_at: f.instant,
  }),
  example: {
    service_name: 'billing',
    instance_id: 'billing-1',
    status: 'unhealthy',
    failures: 3,
    detail: 'timed out after 2000 ms',
    checked_at: '2026-03-01T09:30:00.000Z',
  },
});

export const listHealth = query({
  context,
  name: 'list-health',
  summary: 'What the checks of each instance saw last',
  input: z.strictObject({
    service_name: f.name.optional(),
    status: instanceStatus.optional(),
    limit: f.pageLimit,
    cursor: f.cursor,
  }),
  answer: z.object({
    instances: z.array(
      z.object({
        service_name: f.name,
        instance_id: f.externalId,
        status: instanceStatus,
        phase: checkPhase,
        reason: unhealthyReason.optional(),
        /** Of an unhealthy instance whose service fails with another one. */
        inherited: inheritedFailure.optional(),
        kind: checkKind.optional(),
        url: z
          .string()
          .optional()
          .describe('What is asked: a URL, `tcp://…`, `grpc://…`, `nats:…`'),
        failures: z.number().int(),
        detail: z.string().optional(),
        changed_at: f.instant,
      }),
    ),
    status_summary: z.object({
      starting: z.number().int(),
      healthy: z.number().int(),
      unhealthy: z.number().int(),
      terminating: z.number().int(),
    }),
    next_cursor: f.nextCursor,
  }),
  http: { method: 'GET', path: '/health/instances' },
});

export const health = {
  commands: [
    reportCalls,
    reportBreakers,
    createCircuitBreaker,
    updateCircuitBreaker,
    removeCircuitBreaker,
    putBreakerDefaults,
    removeBreakerDefaults,
    resetCircuitBreaker,
    forceCircuitBreaker,
    releaseCircuitBreaker,
  ],
  queries: [
    listHealth,
    systemHealth,
    serviceHealth,
    listCircuitBreakers,
    getCircuitBreaker,
    circuitBreakerMetrics,
    breakerDefaults,
    breakerPolicies,
    whatIfBreaker,
  ],
  events: [instanceHealthChanged, circuitBreakerChanged],
} as const;
