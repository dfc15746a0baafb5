import { z } from 'zod';
import { event, query } from '../contract';
import * as f from '../fields';
import {
  breakerId,
  breakerMode,
  breakerSettings,
  breakerState,
  callTargetOrAny,
  forcedMode,
  serviceOrAny,
} from './breaker-fields';
import { breakerCause } from './breaker-reports';

const context = 'health' as const;
const counted = z.number().int();

const between = {
  service_name: z.string(),
  target_service: z.string(),
  endpoint_pattern: z.string(),
};

/** Of several holders: the state of the worst of them, open before half-open before closed. */
const circuitBreaker = z.object({
  id: breakerId,
  ...between,
  current_state: breakerState,
  mode: breakerMode,
  failure_count: counted,
  success_count: counted,
  failure_threshold: counted,
  success_threshold: counted,
  timeout_duration: z.number(),
  last_failure_at: f.instant.optional(),
  state_changed_at: f.instant,
  next_attempt_at: f.instant.optional(),
  state_duration_seconds: z.number(),
  has_settings: z.boolean().describe('Somebody has said what this very breaker is to do'),
  holders: counted.describe('Processes that hold it now'),
});

export const listCircuitBreakers = query({
  context,
  name: 'list-circuit-breakers',
  summary: 'Breakers and how they are, over all processes that hold them; rules with * too',
  input: z.strictObject({
    service_name: serviceOrAny.optional(),
    target_service: callTargetOrAny.optional(),
    state: breakerState.optional(),
    limit: f.pageLimit,
    cursor: f.cursor,
  }),
  answer: z.object({
    circuit_breakers: z.array(circuitBreaker),
    /** Of all between these services, in whichever state. */
    state_summary: z.object({ closed: counted, open: counted, half_open: counted }),
    next_cursor: f.nextCursor,
  }),
  http: { method: 'GET', path: '/circuit-breakers' },
});

const holder = z.object({
  holder: f.externalId,
  state: breakerState,
  mode: breakerMode,
  since: f.instant.optional(),
  next_attempt_at: f.instant.optional(),
  last_failure_at: f.instant.optional(),
  failure_count: counted,
  success_count: counted,
  failure_threshold: counted,
  success_threshold: counted,
  timeout_duration: z.number(),
  follows: breakerId.optional().describe('The settings it follows'),
  reported_at: f.instant,
  /** False: it left, or has not been heard of for as long as it would have reported again. */
  is_current: z.boolean(),
  transitions_lost: counted,
});

const order = z.object({
  order_no: counted,
  kind: z.enum(['reset', ...forcedMode.options, 'release']),
  reason: z.string(),
  until: f.instant.optional(),
  ordered_at: f.instant,
  ordered_by: z.string(),
  done_by: z.array(z.object({ holder: f.externalId, at: f.instant })),
  /** Current holders of which it is not known that they have done it. */
  waits_for: z.array(f.externalId),
});

export const getCircuitBreaker = query({
  context,
  name: 'circuit-breaker',
  summary:
    'One breaker: each process that holds it, its settings, and which orders were carried out',
  input: z.strictObject({ breaker_id: breakerId }),
  answer: z.object({
    circuit_breaker: circuitBreaker,
    settings: z.object(breakerSettings).optional(),
    holders: z.array(holder),
    /** The newest last. */
    orders: z.array(order),
  }),
  http: { method: 'GET', path: '/circuit-breakers/{breaker_id}' },
});

export const circuitBreakerMetrics = query({
  context,
  name: 'circuit-breaker-metrics',
  summary: 'What a breaker did, and what was called through it, in the 24 hours before',
  input: z.strictObject({ breaker_id: breakerId }),
  answer: z.object({
    metrics: z.object({
      total_requests_24h: counted,
      failed_requests_24h: counted,
      /** From 0 to 1; 1 when there were none. */
      success_rate_24h: z.number(),
      /** Calls that it kept away. */
      refused_requests_24h: counted,
      state_changes_24h: counted,
      /** From leaving `closed` until it was closed again, in any holder; one that lasts counts until now. */
      average_failure_duration_minutes: z.number(),
    }),
    /** Oldest first, the newest 500; orders that changed the mode alone among them. */
    state_history: z.array(
      z.object({
        timestamp: f.instant,
        from_state: breakerState,
        to_state: breakerState,
        mode: breakerMode,
        /** For people: `tripped: 5 failures in a row`. */
        trigger: z.string(),
        cause: breakerCause,
        holder: f.externalId,
      }),
    ),
    /** By hour of the day in UTC. */
    failure_patterns: z.array(
      z.object({
        hour: counted,
        failure_count: counted,
        total_requests: counted,
        failure_rate: z.number(),
      }),
    ),
  }),
  http: { method: 'GET', path: '/circuit-breakers/{breaker_id}/metrics' },
});

export const breakerDefaults = query({
  context,
  name: 'breaker-defaults',
  summary: 'What breakers do for which there are no settings',
  input: z.strictObject({}),
  answer: z.object({
    defaults: z
      .object(breakerSettings)
      .optional()
      .describe('Absent: nobody has said anything, and holders decide for themselves'),
  }),
  http: { method: 'GET', path: '/circuit-breaker-defaults' },
});

export const breakerPolicies = query({
  context,
  name: 'breaker-policies',
  summary: 'What the breakers of a service are to do, and orders for them: asked by their holders',
  input: z.strictObject({ service_name: f.name }),
  answer: z.object({
    defaults: z.object(breakerSettings).optional(),
    settings: z.array(z.object({ breaker_id: breakerId, ...between, ...breakerSettings })),
    /** What is forced now, and what was ordered within the last hour, oldest first. */
    orders: z.array(
      z.object({
        breaker_id: breakerId,
        ...between,
        order_no: counted,
        kind: order.shape.kind,
        reason: z.string(),
        until: f.instant.optional(),
        seconds_left: z
          .number()
          .optional()
          .describe('Until then, as of this answer: for holders whose clock goes wrong'),
        ordered_at: f.instant,
      }),
    ),
  }),
  http: { method: 'GET', path: '/circuit-breaker-policies' },
});

export const circuitBreakerChanged = event({
  context,
  name: 'CircuitBreakerChanged',
  version: 1,
  summary: 'A breaker of one process opened, is tried, or closed',
  idField: 'breaker_id',
  data: z.object({
    breaker_id: breakerId,
    ...between,
    holder: f.externalId,
    from_state: breakerState,
    to_state: breakerState,
    trigger: z.string(),
    changed_at: f.instant,
  }),
  example: {
    breaker_id: '3f2b8c1e-5d43-8a7f-9c21-0e6d5b4a3f21',
    service_name: 'shop',
    target_service: 'billing',
    endpoint_pattern: '*',
    holder: 'shop-1',
    from_state: 'closed',
    to_state: 'open',
    trigger: 'tripped: 5 failures in a row',
    changed_at: '2026-03-01T09:30:00.000Z',
  },
});
