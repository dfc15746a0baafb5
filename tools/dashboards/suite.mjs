import { dashboard, durations, lights, lines, number, percentiles, rate } from './panels.mjs';

const STREAM = 'route!="/api/orchestration/stream"';

export const suite = dashboard(
  'downbeat-suite',
  'Downbeat: Suite overview',
  'Is the suite well: who is ready, what is behind, what it uses.',
  [
    lights('Ready', '/health/ready of each process.', [
      'min by (service, instance) (downbeat_ready)',
      '{{service}} {{instance}}',
    ]),
    number(
      'Open incidents',
      'none',
      'Runs that wait for a person.',
      ['max(downbeat_saga_open_incidents)', 'incidents'],
      1,
    ),
    number(
      'Dead letters',
      'none',
      'Messages that wait for an operator.',
      ['sum(max by (context, consumer) (downbeat_dead_letters_waiting))', 'letters'],
      1,
    ),
    number(
      'Worst lag',
      'none',
      'Positions of the log that the slowest read model has not applied.',
      ['max(downbeat_projection_lag_positions)', 'positions'],
      5000,
    ),
    number(
      'Publications owed',
      'none',
      'Numbered and not yet acknowledged by NATS.',
      ['sum(max by (context) (downbeat_relay_unsent))', 'owed'],
      500,
    ),
    number(
      'Unhealthy instances',
      'none',
      'Of registered services.',
      ['max(downbeat_health_instances{status="unhealthy"})', 'instances'],
      1,
    ),
    number(
      'Failing requests',
      'percentunit',
      'Share of requests answered with 5xx.',
      [`${rate('http_requests_total{status=~"5.."}')} / ${rate('http_requests_total')}`, '5xx'],
      0.05,
    ),
    lines('Requests by status', 'reqps', 'What the gateway answers.', [
      rate('http_requests_total', ['status']),
      '{{status}}',
    ]),
    durations(
      'Request duration',
      'Without the event stream, whose requests last as long as they are listened to.',
      ...percentiles(`http_request_duration_seconds_bucket{${STREAM}}`),
    ),
    lines('Slowest routes, p95', 's', 'Ten of them.', [
      `topk(10, histogram_quantile(0.95, sum by (le, method, route) (rate(http_request_duration_seconds_bucket{${STREAM}}[$__rate_interval]))))`,
      '{{method}} {{route}}',
    ]),
    lines('Open requests and streams', 'none', 'Those of the stream are its listeners.', [
      'sum by (route) (http_requests_under_way)',
      '{{route}}',
    ]),
    lines('Things needed', 'none', 'Probes that are not well: 0 is down.', [
      'min by (service, probe) (downbeat_probe_ready)',
      '{{service}}: {{probe}}',
    ]),
    lines('Postgres reachable', 'none', 'By context; 0 is down.', [
      'min by (context) (downbeat_database_reachable)',
      '{{context}}',
    ]),
    lines('CPU', 'percentunit', 'Of one core.', [
      'rate(process_cpu_seconds_total[$__rate_interval])',
      '{{service}} {{instance}}',
    ]),
    lines('Memory', 'bytes', 'Resident; the compose file allows 512 MiB.', [
      'process_resident_memory_bytes',
      '{{service}} {{instance}}',
    ]),
    lines(
      'Event loop, p99',
      's',
      'A process whose loop is late has more to do than one core can.',
      ['nodejs_eventloop_lag_p99_seconds', '{{service}} {{instance}}'],
    ),
    lines('Heap in use', 'bytes', 'What is alive, and garbage not yet collected.', [
      'nodejs_heap_size_used_bytes',
      '{{service}} {{instance}}',
    ]),
    lines('Garbage collection', 'percentunit', 'Share of the time.', [
      'sum by (service, kind) (rate(nodejs_gc_duration_seconds_sum[$__rate_interval]))',
      '{{service}} {{kind}}',
    ]),
    lines('Restarts', 'none', 'Process starts in the last hour.', [
      'changes(process_start_time_seconds[1h])',
      '{{service}} {{instance}}',
    ]),
  ],
);
