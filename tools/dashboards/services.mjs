import { dashboard, durations, lines, number, percentiles, quantile, rate } from './panels.mjs';

export const services = dashboard(
  'downbeat-services',
  'Downbeat: Services and calls',
  'What is registered, how it stands, and how calls to it go.',
  [
    number('Services', 'none', 'Listed.', ['max(downbeat_registry_services)', 'services']),
    number('Instances', 'none', 'Registered and not gone.', [
      'max(downbeat_registry_instances)',
      'instances',
    ]),
    number('Healthy', 'none', 'Instances.', [
      'max(downbeat_health_instances{status="healthy"})',
      'healthy',
    ]),
    number(
      'Unhealthy',
      'none',
      'Instances.',
      ['max(downbeat_health_instances{status="unhealthy"})', 'unhealthy'],
      1,
    ),
    number(
      'Open breakers',
      'none',
      'Of the saga engine.',
      ['sum(downbeat_saga_breakers{state="open"})', 'open'],
      1,
    ),
    number('Sessions', 'none', 'Connections that instances stand and fall with.', [
      'max(downbeat_registry_sessions)',
      'sessions',
    ]),
    lines('Instances by how they stand', 'none', 'Of all replicas.', [
      'max by (status) (downbeat_health_instances)',
      '{{status}}',
    ]),
    lines('Checks', 'ops', 'By kind and outcome.', [
      rate('downbeat_health_checks_total', ['kind', 'outcome']),
      '{{kind}} {{outcome}}',
    ]),
    durations('Duration of checks, p95', 'From asking to the answer.', [
      quantile(0.95, 'downbeat_health_check_duration_seconds_bucket', ['kind']),
      '{{kind}}',
    ]),
    lines(
      'Checks under way and share',
      'none',
      'At most 512 at once in each process.',
      ['sum by (instance) (downbeat_health_checks_under_way)', '{{instance}} under way'],
      ['sum by (instance) (downbeat_health_instances_watched)', '{{instance}} watches'],
    ),
    lines('Calls of steps', 'ops', 'By what came of them.', [
      rate('downbeat_saga_calls_total', ['transport', 'result']),
      '{{transport}} {{result}}',
    ]),
    lines(
      'Share of calls that fail',
      'percentunit',
      'No answer, or 5xx. A refusal (4xx) is an answer.',
      [
        `${rate('downbeat_saga_calls_total{result=~"5xx|refused|broken|timeout"}', ['purpose'])} / ${rate('downbeat_saga_calls_total', ['purpose'])}`,
        '{{purpose}}',
      ],
    ),
    durations(
      'Duration of calls',
      'From sending to the answer.',
      ...percentiles('downbeat_saga_call_duration_seconds_bucket', ['transport']),
    ),
    lines('Breakers by state', 'none', 'In front of the services that steps call.', [
      'sum by (state) (downbeat_saga_breakers)',
      '{{state}}',
    ]),
    lines('What happens to services', 'ops', 'Events of the registry, by type.', [
      rate('downbeat_log_events_total{context="registry"}', ['type']),
      '{{type}}',
    ]),
    lines(
      'What health sees',
      'ops',
      'Events of health, by type: health that changed, breakers that did.',
      [rate('downbeat_log_events_total{context="health"}', ['type']), '{{type}}'],
    ),
    lines('Spans handed over', 'ops', 'From exporters of OpenTelemetry.', [
      rate('downbeat_observability_spans_total', ['outcome']),
      '{{outcome}}',
    ]),
    lines('Requests with spans', 'reqps', 'By the status they were answered with.', [
      rate('downbeat_observability_span_requests_total', ['status']),
      '{{status}}',
    ]),
  ],
);
