import { epochMs } from '@downbeat/eventsourcing';
import { isStarted, type RunEvent, type RunState } from '@downbeat/saga-domain';
import { Durations, HostMetrics } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { Counter } from 'prom-client';
import { StepTimes } from './step-times';

/** Runs last for milliseconds, or wait for somebody for days. */
const RUN_SECONDS = [
  0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200, 86_400,
];
const STEP_SECONDS = RUN_SECONDS.slice(0, -1);

type Ending = 'completed' | 'failed' | 'compensated';

/**
 * Counts what the runs of this process do, by the events it has recorded itself: the sum over the
 * replicas is that of the log.
 */
@Injectable()
export class RunMetrics {
  private readonly started: Counter;
  private readonly ended: Counter<'outcome'>;
  private readonly retries: Counter<'purpose'>;
  private readonly failedSteps: Counter<'outcome'>;
  private readonly held: Counter<'because'>;
  private readonly compensations: Counter;
  private readonly incidents: Counter<'kind'>;
  private readonly runs: Durations<'outcome'>;
  private readonly steps: Durations<'outcome'>;
  private readonly stepTimes = new StepTimes();

  constructor({ registry }: HostMetrics) {
    const counter = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
      new Counter({ registers: [registry], name: `downbeat_saga_${name}_total`, help, labelNames });
    this.started = counter('runs_started', 'Runs that began');
    this.ended = counter(
      'runs_ended',
      'Ends of runs; a run that is retried may end again',
      'outcome',
    );
    this.retries = counter('call_retries', 'Calls that were made once more', 'purpose');
    this.failedSteps = counter('steps_failed', 'Steps given up, by how sure that is', 'outcome');
    this.held = counter('calls_held', 'Calls that had to wait, by what held them', 'because');
    this.compensations = counter('compensations', 'Runs that began to be undone');
    this.incidents = counter('incidents', 'Incidents that were opened', 'kind');
    this.runs = new Durations(registry, {
      name: 'downbeat_saga_run_duration_seconds',
      help: 'From the start of a run to its end, waits and pauses included',
      labelNames: ['outcome'],
      buckets: RUN_SECONDS,
    });
    this.steps = new Durations(registry, {
      name: 'downbeat_saga_step_duration_seconds',
      help: 'From the start of a step to its end, all its calls and the waits between them included',
      labelNames: ['outcome'],
      buckets: STEP_SECONDS,
    });
  }

  /** @param state As it is after the events, which this process has just recorded. */
  recorded(id: string, events: readonly RunEvent[], state: RunState, traceparent?: string): void {
    for (const event of events) this.note(id, event, state, traceparent);
  }

  private note(id: string, event: RunEvent, state: RunState, trace: string | undefined): void {
    switch (event.type) {
      case 'WorkflowStarted':
        return this.started.inc();
      case 'WorkflowCompleted':
        return this.end(id, 'completed', event, state, trace);
      case 'WorkflowFailed':
        return this.end(id, 'failed', event, state, trace);
      case 'WorkflowCompensated':
        return this.end(id, 'compensated', event, state, trace);
      case 'StepStarted':
        return this.stepTimes.began(id, event.data.step, epochMs(event.data.at));
      case 'StepCompleted':
        return this.endStep(id, event.data.step, 'completed', event, trace);
      case 'StepFailed':
        this.failedSteps.inc({ outcome: event.data.outcome });
        return this.endStep(id, event.data.step, 'failed', event, trace);
      case 'StepRetried':
        return this.retries.inc({ purpose: 'step' });
      case 'UndoRetried':
        return this.retries.inc({ purpose: 'undo' });
      case 'CallHeld':
        return this.held.inc({ because: event.data.because });
      case 'CompensationStarted':
        return this.compensations.inc();
      case 'IncidentOpened':
        return this.incidents.inc({ kind: event.data.kind });
      default:
        // What else happens is counted by its type: downbeat_log_events_total.
        return;
    }
  }

  private end(
    id: string,
    outcome: Ending,
    { data: { at } }: Extract<RunEvent, { type: `Workflow${Capitalize<Ending>}` }>,
    state: RunState,
    traceparent: string | undefined,
  ): void {
    this.ended.inc({ outcome });
    this.stepTimes.forget(id);
    if (!isStarted(state)) return;
    this.runs.tookMs({ outcome }, epochMs(at) - epochMs(state.started.at), traceparent);
  }

  private endStep(
    id: string,
    step: string,
    outcome: 'completed' | 'failed',
    { data: { at } }: Extract<RunEvent, { type: 'StepCompleted' | 'StepFailed' }>,
    traceparent: string | undefined,
  ): void {
    const beganMs = this.stepTimes.ended(id, step);
    if (beganMs !== undefined) this.steps.tookMs({ outcome }, epochMs(at) - beganMs, traceparent);
  }
}
