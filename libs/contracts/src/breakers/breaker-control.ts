import { z } from 'zod';
import { command } from '../contract';
import * as f from '../fields';
import {
  breakerId,
  breakerSettings,
  callTargetOrAny,
  endpointPattern,
  forcedMode,
  serviceOrAny,
} from './breaker-fields';

const context = 'health' as const;
const reason = f.line(500);
const ID = '3f2b8c1e-5d43-8a7f-9c21-0e6d5b4a3f21';

export const createCircuitBreaker = command({
  context,
  name: 'CreateCircuitBreaker',
  summary: 'Say what the breakers do between two services; * is any service, or any endpoint',
  idField: 'breaker_id',
  idFrom: ['service_name', 'target_service', 'endpoint_pattern'],
  data: z.strictObject({
    /** May be left out over HTTP. On NATS the subject ends with it; a wrong one is refused with the right one. */
    breaker_id: breakerId.optional(),
    /** Who calls. */
    service_name: serviceOrAny,
    target_service: callTargetOrAny,
    endpoint_pattern: endpointPattern.default('*'),
    ...breakerSettings,
  }),
  answer: z.object({ breaker_id: breakerId }),
  example: {
    service_name: 'shop',
    target_service: 'billing',
    endpoint_pattern: 'POST /invoices',
    failure_threshold: 5,
    success_threshold: 3,
    timeout_duration: 60,
  },
  http: { method: 'POST', path: '/circuit-breakers' },
});

export const updateCircuitBreaker = command({
  context,
  name: 'UpdateCircuitBreaker',
  summary: 'Replace the settings of a breaker; its holders keep the state they are in',
  idField: 'breaker_id',
  data: z.strictObject({ breaker_id: breakerId, ...breakerSettings }),
  answer: z.object({ breaker_id: breakerId }),
  example: {
    breaker_id: ID,
    failure_threshold: 10,
    success_threshold: 3,
    timeout_duration: 30,
    policy: {
      rules: [{ kind: 'time_window', window_seconds: 10, calls_min: 20, failure_share: 0.5 }],
    },
  },
  http: { method: 'PUT', path: '/circuit-breakers/{breaker_id}' },
});

export const removeCircuitBreaker = command({
  context,
  name: 'RemoveCircuitBreaker',
  summary: 'Forget the settings of a breaker: what is more general decides for it again',
  idField: 'breaker_id',
  data: z.strictObject({ breaker_id: breakerId }),
  answer: z.object({ breaker_id: breakerId }),
  example: { breaker_id: ID },
  http: { method: 'DELETE', path: '/circuit-breakers/{breaker_id}' },
});

const scope = z.literal('all').default('all');

export const putBreakerDefaults = command({
  context,
  name: 'PutBreakerDefaults',
  summary: 'Say what breakers do for which there are no settings, in place of their holders',
  idField: 'scope',
  data: z.strictObject({ scope, ...breakerSettings }),
  answer: z.object({ scope: z.string() }),
  example: { scope: 'all', failure_threshold: 5, success_threshold: 3, timeout_duration: 60 },
  http: { method: 'PUT', path: '/circuit-breaker-defaults' },
});

export const removeBreakerDefaults = command({
  context,
  name: 'RemoveBreakerDefaults',
  summary: 'Let holders decide again what breakers do for which there are no settings',
  idField: 'scope',
  data: z.strictObject({ scope }),
  answer: z.object({ scope: z.string() }),
  example: { scope: 'all' },
  http: { method: 'DELETE', path: '/circuit-breaker-defaults' },
});

const answer = z.object({ breaker_id: breakerId, order_no: z.number().int() });

export const resetCircuitBreaker = command({
  context,
  name: 'ResetCircuitBreaker',
  summary: 'Have every holder close a breaker, as if nothing had been seen',
  idField: 'breaker_id',
  data: z.strictObject({
    breaker_id: breakerId,
    reason,
    /** Also when something is forced, which ends with it; otherwise that is a conflict. */
    force: z.boolean().default(false),
  }),
  answer,
  example: { breaker_id: ID, reason: 'billing was repaired' },
  http: { method: 'PUT', path: '/circuit-breakers/{breaker_id}/reset' },
});

export const forceCircuitBreaker = command({
  context,
  name: 'ForceCircuitBreaker',
  summary: 'Hold a breaker open or closed, or let it only measure, for a time',
  idField: 'breaker_id',
  data: z.strictObject({
    breaker_id: breakerId,
    mode: forcedMode,
    /** It decides for itself again after that; at most a week. */
    expires_in_seconds: z.number().min(1).max(604_800),
    reason,
  }),
  answer: answer.extend({ until: f.instant }),
  example: {
    breaker_id: ID,
    mode: 'forced_open',
    expires_in_seconds: 900,
    reason: 'billing is being moved',
  },
  http: { method: 'PUT', path: '/circuit-breakers/{breaker_id}/force' },
});

export const releaseCircuitBreaker = command({
  context,
  name: 'ReleaseCircuitBreaker',
  summary: 'End what is forced before its time; one that was held open is tried at once',
  idField: 'breaker_id',
  data: z.strictObject({ breaker_id: breakerId, reason }),
  answer,
  example: { breaker_id: ID, reason: 'it was moved sooner' },
  http: { method: 'PUT', path: '/circuit-breakers/{breaker_id}/release' },
});
