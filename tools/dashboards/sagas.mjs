import { dashboard, durations, lines, number, percentiles, quantile, rate } from './panels.mjs';

const ended = (outcome) =>
  `sum(increase(downbeat_saga_runs_ended_total{outcome="${outcome}"}[$__range]))`;

export const sagas = dashboard(
  'downbeat-sagas',
  'Downbeat: Sagas',
  'What the transactions across services do, and what stops them.',
  [
    number('Running', 'none', 'Of all replicas.', [
      'max(downbeat_saga_runs{status="running"})',
      'running',
    ]),
    number('Compensating', 'none', 'Being undone.', [
      'max(downbeat_saga_runs{status="compensating"})',
      'compensating',
    ]),
    number(
      'Open incidents',
      'none',
      'Wait for a person.',
      ['max(downbeat_saga_open_incidents)', 'incidents'],
      1,
    ),
    number(
      'Troubled runs',
      'none',
      'Cannot go on for now.',
      ['sum(downbeat_saga_troubled_runs)', 'runs'],
      1,
    ),
    number('Completed', 'none', 'In the time shown.', [ended('completed'), 'completed']),
    number('Undone', 'none', 'In the time shown.', [ended('compensated'), 'compensated']),
    lines(
      'Runs started and ended',
      'ops',
      'By how they ended.',
      [rate('downbeat_saga_runs_started_total'), 'started'],
      [rate('downbeat_saga_runs_ended_total', ['outcome']), '{{outcome}}'],
    ),
    lines('Share that ends badly', 'percentunit', 'Failed or undone, of all that ended.', [
      `${rate('downbeat_saga_runs_ended_total{outcome=~"failed|compensated"}')} / ${rate('downbeat_saga_runs_ended_total')}`,
      'failed or undone',
    ]),
    durations(
      'Duration of runs that complete',
      'Waits and pauses included.',
      ...percentiles('downbeat_saga_run_duration_seconds_bucket{outcome="completed"}'),
    ),
    durations('Duration of runs by outcome, p95', 'From the first event to the last.', [
      quantile(0.95, 'downbeat_saga_run_duration_seconds_bucket', ['outcome']),
      '{{outcome}}',
    ]),
    durations(
      'Duration of steps',
      'All calls of a step and the waits between them.',
      ...percentiles('downbeat_saga_step_duration_seconds_bucket'),
    ),
    lines(
      'Steps given up',
      'ops',
      'failed: it had no effect; unknown: nobody can know; unusable: it had one.',
      [rate('downbeat_saga_steps_failed_total', ['outcome']), '{{outcome}}'],
    ),
    lines(
      'Runs under way',
      'none',
      'That each process holds in memory, and may hold.',
      ['downbeat_saga_open_runs', '{{instance}}'],
      ['downbeat_saga_open_runs_max', '{{instance}} may hold'],
    ),
    lines('Runs by state', 'none', 'Of all replicas; archived ones are not counted.', [
      'max by (status) (downbeat_saga_runs)',
      '{{status}}',
    ]),
    lines('Calls made again', 'ops', 'Retries of steps and of undos.', [
      rate('downbeat_saga_call_retries_total', ['purpose']),
      '{{purpose}}',
    ]),
    lines(
      'Compensations and incidents',
      'ops',
      'Runs that began to be undone; undos that need a person.',
      [rate('downbeat_saga_compensations_total'), 'compensations'],
      [rate('downbeat_saga_incidents_total', ['kind']), '{{kind}}'],
    ),
    lines('Calls held', 'ops', 'Why calls had to wait.', [
      rate('downbeat_saga_calls_held_total', ['because']),
      '{{because}}',
    ]),
    lines(
      'Calls waiting and under way',
      'none',
      'Over all processes.',
      ['sum(downbeat_saga_calls_under_way)', 'under way'],
      ['sum(downbeat_saga_calls_waiting)', 'waiting'],
    ),
    lines('Turned away', 'ops', 'Starts for which a process had no room.', [
      rate('downbeat_saga_starts_turned_away_total'),
      'turned away',
    ]),
    lines(
      'Taken over and swept',
      'ops',
      'Runs of processes that were gone; swept must stay 0.',
      [rate('downbeat_saga_runs_taken_over_total'), 'taken over'],
      [rate('downbeat_saga_runs_swept_total'), 'swept'],
    ),
  ],
);
