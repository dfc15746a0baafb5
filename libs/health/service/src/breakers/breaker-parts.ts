import {
  ForceCircuitBreaker,
  ForceCircuitBreakerHandler,
  ReleaseCircuitBreaker,
  ReleaseCircuitBreakerHandler,
  ResetCircuitBreaker,
  ResetCircuitBreakerHandler,
} from '../commands/order-breaker';
import { ReportBreakers, ReportBreakersHandler } from '../commands/report-breakers';
import {
  CreateCircuitBreaker,
  CreateCircuitBreakerHandler,
  PutBreakerDefaults,
  PutBreakerDefaultsHandler,
  RemoveBreakerDefaults,
  RemoveBreakerDefaultsHandler,
  RemoveCircuitBreaker,
  RemoveCircuitBreakerHandler,
  UpdateCircuitBreaker,
  UpdateCircuitBreakerHandler,
} from '../commands/set-breaker';
import { BreakerMetricsQueries } from '../projections/breakers/breaker-metrics.queries';
import { BreakerPoliciesQueries } from '../projections/breakers/breaker-policies.queries';
import { BreakerRows } from '../projections/breakers/breaker-rows';
import { BreakersQueries } from '../projections/breakers/breakers.queries';
import { WhatIfQueries } from '../projections/breakers/what-if.queries';
import { ControlBreaker } from './control-breaker';

/** What the module of the context mounts for breakers. */
export const breakerCommands = [
  ReportBreakers,
  CreateCircuitBreaker,
  UpdateCircuitBreaker,
  RemoveCircuitBreaker,
  PutBreakerDefaults,
  RemoveBreakerDefaults,
  ResetCircuitBreaker,
  ForceCircuitBreaker,
  ReleaseCircuitBreaker,
];

export const breakerControllers = [
  BreakersQueries,
  BreakerMetricsQueries,
  BreakerPoliciesQueries,
  WhatIfQueries,
];

export const breakerProviders = [
  BreakerRows,
  ControlBreaker,
  ReportBreakersHandler,
  CreateCircuitBreakerHandler,
  UpdateCircuitBreakerHandler,
  RemoveCircuitBreakerHandler,
  PutBreakerDefaultsHandler,
  RemoveBreakerDefaultsHandler,
  ResetCircuitBreakerHandler,
  ForceCircuitBreakerHandler,
  ReleaseCircuitBreakerHandler,
];
