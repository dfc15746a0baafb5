import type { AlertCondition, AlertMetric, AlertRuleDefinition, AlertSeverity } from './words';

const above = (metric: AlertMetric, threshold: number): AlertCondition => ({
  metric,
  comparison: 'above',
  threshold,
});
const atLeast = (metric: AlertMetric, threshold: number): AlertCondition => ({
  metric,
  comparison: 'at_least',
  threshold,
});
const growsBy = (metric: AlertMetric, threshold: number, seconds: number): AlertCondition => ({
  ...atLeast(metric, threshold),
  growth_over_seconds: seconds,
});

const rule = (
  severity: AlertSeverity,
  summary: string,
  condition: AlertCondition,
  for_seconds: number,
  section: string,
  more: Partial<AlertRuleDefinition> = {},
): AlertRuleDefinition => ({
  summary,
  condition,
  for_seconds,
  severity,
  is_enabled: true,
  runbook: `docs/alerts.md#${section}`,
  ...more,
});

/**
 * There from the start, as `deploy/observability/alerts.yml` says it where it has them too. Each can be
 * changed or turned off, and is as it stands here when that is removed.
 */
export const builtInRules: Readonly<Record<string, AlertRuleDefinition>> = {
  'process-silent': rule(
    'critical',
    'A process of the suite is not heard of',
    above('process_silent_seconds', 30),
    60,
    'process-silent',
  ),
  'process-memory': rule(
    'warning',
    'A process of the suite needs much memory',
    // Four fifths of what a container may have.
    above('process_memory_bytes', 420_000_000),
    600,
    'memory',
  ),
  'bus-disconnects': rule(
    'warning',
    'A process loses its connection to NATS again and again',
    growsBy('bus_disconnects_total', 3, 600),
    0,
    'bus',
  ),
  'bus-handlers-slow': rule(
    'warning',
    'Handlers of messages take too long',
    growsBy('bus_handler_timeouts_total', 3, 600),
    0,
    'bus',
  ),
  'bus-gave-up': rule(
    'critical',
    'NATS gave messages up by itself',
    growsBy('bus_server_gave_up_total', 1, 3_600),
    0,
    'bus',
  ),
  'projection-behind': rule(
    'warning',
    'A read model is behind the log',
    above('projection_lag_positions', 5_000),
    120,
    'read-models',
  ),
  'projection-parked': rule(
    'critical',
    'A read model cannot apply events',
    above('projection_parked_streams', 0),
    60,
    'read-models',
  ),
  'relay-finds': rule(
    'warning',
    'The bus had lost publications, which were sent again',
    growsBy('relay_finds_total', 1, 600),
    0,
    'publications',
  ),
  'publications-owed': rule(
    'critical',
    'Publications wait for the bus',
    above('publications_unsent', 500),
    120,
    'publications',
  ),
  'queue-deep': rule(
    'warning',
    'Many messages wait in a queue',
    above('queue_messages', 10_000),
    120,
    'queues',
  ),
  'queue-old': rule(
    'warning',
    'A message waits in a queue for long',
    above('queue_oldest_seconds', 300),
    60,
    'queues',
  ),
  'dead-letters': rule(
    'warning',
    'Messages were given up on',
    above('dead_letters', 0),
    60,
    'dead-letters',
  ),
  'dead-letters-growing': rule(
    'critical',
    'Many messages are given up on',
    growsBy('dead_letters', 50, 600),
    0,
    'dead-letters',
  ),
  'incident-open': rule(
    'critical',
    'An undo waits for a person',
    above('incident_age_seconds', 60),
    0,
    'incidents',
  ),
  'runs-overdue': rule(
    'warning',
    'Runs last longer than they may',
    above('runs_overdue', 0),
    60,
    'runs-overdue',
  ),
  'breaker-open': rule(
    'warning',
    'The way to a service is closed',
    above('breaker_open_seconds', 60),
    0,
    'breaker-open',
  ),
  'service-down': rule(
    'critical',
    'No instance of a service is healthy',
    atLeast('service_down', 1),
    60,
    'service-down',
  ),
  'instances-unhealthy': rule(
    'info',
    'Instances of a service fail their checks',
    above('service_unhealthy_instances', 0),
    120,
    'service-down',
  ),
  'cascading-failure': rule(
    'warning',
    'A service fails that others fail with',
    atLeast('critical_dependents', 1),
    60,
    'cascading-failure',
    { severity_steps: [{ at_least: 3, severity: 'critical' }] },
  ),
};
