import { epochMs, type Instant } from '@downbeat/eventsourcing';
import { isStarted, type RunState } from '@downbeat/saga-domain';
import { Durations, type HostMetrics } from '@downbeat/service-host';
import { StepTimes } from './step-times';

/** Runs last for milliseconds, or wait for somebody for days. */
const RUN_SECONDS = [
  0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200, 86_400,
];
const STEP_SECONDS = RUN_SECONDS.slice(0, -1);

/** How long runs and their steps last, by the times of their events. */
export class RunDurations {
  private readonly runs: Durations<'outcome'>;
  private readonly steps: Durations<'outcome'>;
  private readonly stepTimes = new StepTimes();

  constructor({ registry }: HostMetrics) {
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

  stepBegan(run: string, step: string, at: Instant): void {
    this.stepTimes.began(run, step, epochMs(at));
  }

  /** Nothing is measured of a step that another process began. */
  stepEnded(run: string, step: string, outcome: string, at: Instant, traceparent?: string): void {
    const beganMs = this.stepTimes.ended(run, step);
    if (beganMs !== undefined) this.steps.tookMs({ outcome }, epochMs(at) - beganMs, traceparent);
  }

  runEnded(
    run: string,
    outcome: string,
    at: Instant,
    state: RunState,
    traceparent: string | undefined,
  ): void {
    this.stepTimes.forget(run);
    if (!isStarted(state)) return;
    this.runs.tookMs({ outcome }, epochMs(at) - epochMs(state.started.at), traceparent);
  }
}
