import { epochMs, instantOf, type Instant } from '@downbeat/eventsourcing';
import type { Run, StepState, UndoState } from './state';

/**
 * A due time set at `at`, as it would have been had it been set when the pause began: what is left
 * of it does not run off, and at the end of the pause all due times move by the same.
 */
export function dueInPause({ pause }: Run, due: Instant, at: Instant): Instant {
  if (!pause) return due;
  return instantOf(epochMs(due) - Math.max(0, epochMs(at) - epochMs(pause.since)));
}

/** The run with everything it waits for `pausedMs` later. */
export function afterPause(run: Run, pausedMs: number): Run {
  const later = (due: Instant): Instant => instantOf(epochMs(due) + pausedMs);
  const steps = new Map<string, StepState>();
  for (const [name, step] of run.steps) steps.set(name, stepLater(step, later));
  const { compensation } = run;
  const undo = compensation?.undo && undoLater(compensation.undo, later);
  return {
    ...run,
    pause: undefined,
    timeoutAt: later(run.timeoutAt),
    steps,
    compensation: compensation && { ...compensation, undo },
  };
}

type Later = (due: Instant) => Instant;

function stepLater(step: StepState, later: Later): StepState {
  if (step.status === 'waiting') return { ...step, retryAt: later(step.retryAt) };
  if (step.status === 'delaying') return { ...step, until: later(step.until) };
  if (step.status === 'awaiting' && step.until !== undefined)
    return { ...step, until: later(step.until) };
  return step;
}

const undoLater = (undo: UndoState, later: Later): UndoState =>
  undo.status === 'waiting' ? { ...undo, retryAt: later(undo.retryAt) } : undo;
