import { dashboard, durations, lines, number, percentiles, quantile, rate } from './panels.mjs';

const bus = (name, legend) => [
  rate(`downbeat_bus_${name}_total`, ['service']),
  `{{service}} ${legend}`,
];

export const log = dashboard(
  'downbeat-log',
  'Downbeat: Queues and the log',
  'From the command to the event, to the read model, to the other contexts.',
  [
    number('Events', 'ops', 'Appended a second.', [rate('downbeat_log_events_total'), 'events']),
    number(
      'Appends, p99',
      's',
      'Until committed.',
      [quantile(0.99, 'downbeat_log_append_duration_seconds_bucket'), 'p99'],
      0.5,
    ),
    number(
      'Worst lag',
      'none',
      'Positions not applied.',
      ['max(downbeat_projection_lag_positions)', 'positions'],
      5000,
    ),
    number(
      'Publications owed',
      'none',
      'Not acknowledged by NATS.',
      ['sum(max by (context) (downbeat_relay_unsent))', 'owed'],
      500,
    ),
    number(
      'Dead letters',
      'none',
      'Wait for an operator.',
      ['sum(max by (context, consumer) (downbeat_dead_letters_waiting))', 'letters'],
      1,
    ),
    number(
      'Parked streams',
      'none',
      'Left out by read models.',
      ['max(downbeat_projection_parked_streams)', 'streams'],
      1,
    ),
    lines('Events by context', 'ops', 'Appended a second.', [
      rate('downbeat_log_events_total', ['context']),
      '{{context}}',
    ]),
    lines(
      'Appends by outcome',
      'ops',
      'repeated: the command was answered before; a conflict is decided again.',
      [rate('downbeat_log_appends_total', ['context', 'outcome']), '{{context}} {{outcome}}'],
    ),
    durations(
      'Duration of appends',
      'From the wish to append until it is committed.',
      ...percentiles('downbeat_log_append_duration_seconds_bucket', ['context']),
    ),
    lines(
      'Appends in one commit',
      'none',
      'Group commit: grows with the load.',
      [
        `${rate('downbeat_log_flush_appends_sum', ['context'])} / ${rate('downbeat_log_flush_appends_count', ['context'])}`,
        '{{context}} mean',
      ],
      [quantile(0.95, 'downbeat_log_flush_appends_bucket', ['context']), '{{context}} p95'],
    ),
    lines('Commands by outcome', 'ops', 'retried: put back; broke: the handler threw.', [
      rate('downbeat_commands_total', ['context', 'outcome']),
      '{{context}} {{outcome}}',
    ]),
    durations('Duration of commands, p95', 'From the delivery until committed.', [
      quantile(0.95, 'downbeat_command_duration_seconds_bucket', ['context']),
      '{{context}}',
    ]),
    lines('Queries', 'ops', 'By context and outcome.', [
      rate('downbeat_queries_total', ['context', 'outcome']),
      '{{context}} {{outcome}}',
    ]),
    durations('Duration of queries, p95', 'From the arrival to the answer.', [
      quantile(0.95, 'downbeat_query_duration_seconds_bucket', ['context']),
      '{{context}}',
    ]),
    lines('Lag of read models', 'none', 'Positions of the log that are not in them.', [
      'max by (projection) (downbeat_projection_lag_positions)',
      '{{projection}}',
    ]),
    lines(
      'Read models in trouble',
      'none',
      'Faulty: the last batch failed. Parked: streams left out.',
      ['max by (projection) (downbeat_projection_faulty)', '{{projection}} faulty'],
      ['max by (projection) (downbeat_projection_parked_streams)', '{{projection}} parked'],
      ['1 - min by (projection) (downbeat_projection_served)', '{{projection}} not served'],
    ),
    lines(
      'Publications owed',
      'none',
      'Of the process that relays for its context.',
      ['max by (context) (downbeat_relay_unsent)', '{{context}}'],
      ['max by (context) (downbeat_relay_stuck)', '{{context}} stuck'],
    ),
    lines('Losses found and sent again', 'none', 'In an hour; 0 in a healthy suite.', [
      'sum by (context, kind) (increase(downbeat_relay_finds_total[1h]))',
      '{{context}} {{kind}}',
    ]),
    lines(
      'Dead letters by consumer',
      'none',
      'That wait; new ones in an hour.',
      ['max by (context, consumer) (downbeat_dead_letters_waiting)', '{{consumer}} wait'],
      ['sum by (consumer) (increase(downbeat_dead_letters_total[1h]))', '{{consumer}} new'],
    ),
    lines(
      'JetStream: deliveries',
      'ops',
      'Redeliveries included.',
      bus('deliveries', 'delivered'),
      bus('retried', 'put back to retry'),
      bus('put_back', 'put back for order'),
    ),
    lines(
      'JetStream: events',
      'ops',
      'Published and consumed.',
      bus('events_published', 'published'),
      bus('events_consumed', 'consumed'),
      bus('events_not_confirmed', 'not confirmed'),
    ),
    lines(
      'JetStream: what broke',
      'none',
      'In ten minutes.',
      [
        'sum by (service) (increase(downbeat_bus_disconnects_total[10m]))',
        '{{service}} disconnects',
      ],
      [
        'sum by (service) (increase(downbeat_bus_heartbeats_missed_total[10m]))',
        '{{service}} heartbeats missed',
      ],
      [
        'sum by (service) (increase(downbeat_bus_consumers_recovered_total[10m]))',
        '{{service}} consumers recovered',
      ],
      [
        'sum by (service) (increase(downbeat_bus_streams_remade_total[10m]))',
        '{{service}} streams remade',
      ],
    ),
    lines(
      'Handlers',
      'none',
      'Running now, and messages held behind others of their key.',
      ['sum by (service) (downbeat_bus_handling)', '{{service}} running'],
      ['sum by (service) (downbeat_bus_waiting)', '{{service}} waiting'],
    ),
    lines(
      'Reactions in parts',
      'none',
      'Publications that could not be applied at once, in an hour.',
      ['sum by (consumer) (increase(downbeat_reactor_halvings_total[1h]))', '{{consumer}}'],
    ),
  ],
);
