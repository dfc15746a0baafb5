import type { RunEvent, RunState } from '@downbeat/saga-domain';
import { HostMetrics } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { Counter } from 'prom-client';
import { RunDurations } from './run-durations';

/** What was recorded of a run. */
interface Recording {
  readonly id: string;
  /** As it is after it. */
  readonly state: RunState;
  readonly traceparent: string | undefined;
}

/** What else happens is counted by its type: `downbeat_log_events_total`. */
type Noted = {
  readonly [Type in RunEvent['type']]?: (
    data: Extract<RunEvent, { type: Type }>['data'],
    recording: Recording,
  ) => void;
};

/**
 * Counts what the runs of this process do, by the events it has recorded itself: the sum over the
 * replicas is that of the log.
 */
@Injectable()
export class RunMetrics {
  private readonly noted: Noted;

  constructor(metrics: HostMetrics) {
    const durations = new RunDurations(metrics);
    const registers = [metrics.registry];
    const counter = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
      new Counter({ registers, name: `downbeat_saga_${name}_total`, help, labelNames });
    const started = counter('runs_started', 'Runs that began');
    const ended = counter(
      'runs_ended',
      'Ends of runs; one that is retried may end again',
      'outcome',
    );
    const retries = counter('call_retries', 'Calls that were made once more', 'purpose');
    const failed = counter('steps_failed', 'Steps given up, by how sure that is', 'outcome');
    const held = counter('calls_held', 'Calls that had to wait, by what held them', 'because');
    const compensations = counter('compensations', 'Runs that began to be undone');
    const incidents = counter('incidents', 'Incidents that were opened', 'kind');
    // A rise from nothing is none to Prometheus.
    for (const outcome of ['completed', 'failed', 'compensated']) ended.inc({ outcome }, 0);
    for (const purpose of ['step', 'undo']) retries.inc({ purpose }, 0);
    for (const outcome of ['failed', 'unknown', 'unusable']) failed.inc({ outcome }, 0);
    for (const kind of ['undo_failed', 'undo_input']) incidents.inc({ kind }, 0);
    const endsAs =
      (outcome: string): NonNullable<Noted['WorkflowCompleted']> =>
      ({ at }, { id, state, traceparent }) => {
        ended.inc({ outcome });
        durations.runEnded(id, outcome, at, state, traceparent);
      };
    this.noted = {
      WorkflowStarted: () => started.inc(),
      WorkflowCompleted: endsAs('completed'),
      WorkflowFailed: endsAs('failed'),
      WorkflowCompensated: endsAs('compensated'),
      StepStarted: ({ step, at }, { id }) => durations.stepBegan(id, step, at),
      StepCompleted: ({ step, at }, { id, traceparent }) =>
        durations.stepEnded(id, step, 'completed', at, traceparent),
      StepFailed: ({ step, outcome, at }, { id, traceparent }) => {
        failed.inc({ outcome });
        durations.stepEnded(id, step, 'failed', at, traceparent);
      },
      StepRetried: () => retries.inc({ purpose: 'step' }),
      UndoRetried: () => retries.inc({ purpose: 'undo' }),
      CallHeld: ({ because }) => held.inc({ because }),
      CompensationStarted: () => compensations.inc(),
      IncidentOpened: ({ kind }) => incidents.inc({ kind }),
    };
  }

  /** @param state As it is after the events, which this process has just recorded. */
  recorded(id: string, events: readonly RunEvent[], state: RunState, traceparent?: string): void {
    const recording = { id, state, traceparent };
    for (const { type, data } of events) {
      const note = this.noted[type] as ((data: object, recording: Recording) => void) | undefined;
      note?.(data, recording);
    }
  }
}
