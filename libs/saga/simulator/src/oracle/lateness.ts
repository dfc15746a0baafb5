import type { Instant } from '@downbeat/eventsourcing';
import type { RunEvent } from '@downbeat/saga-domain';
import { Dues } from './dues';

/** After the storm a dead replica is missed after 3 s, and a pause after a fault takes up to 5 s. */
const GRACE_MS = 15_000;
const LATE_MAX_MS = 5_000;
/** How far a replica's idea of the database's time may be off. */
const EARLY_MAX_MS = 1_000;

type Recorded = RunEvent & { readonly recorded_at: string };

/** What became of a timer that a run had set. */
export interface TimerEnd {
  /** In words. */
  readonly timer: string;
  readonly dueMs: number;
  /** When the log says that it was over, by the database's time. */
  readonly overMs: number;
  /** False: it was not needed any more. */
  readonly isFired: boolean;
}

/** What became of all timers of a run: delays, retries, waits for signals, the run's time-out. */
export function timerEnds(events: readonly RunEvent[]): readonly TimerEnd[] {
  const dues = new Dues();
  return (events as readonly Recorded[]).flatMap((event) => {
    const overMs = Date.parse(event.recorded_at);
    dues.take(event);
    if (event.type === 'WorkflowResumed') dues.notBefore(overMs);
    for (const [timer, due] of timersSet(event)) dues.set(timer, due, event.data.at);
    return timersOver(event).flatMap(({ timer, isFired }) => {
      const dueMs = dues.over(timer);
      return dueMs === undefined ? [] : [{ timer, dueMs, overMs, isFired }];
    });
  });
}

/** Timers that came more than a second early by the database's time, or late in fine weather. */
export function latenessOf(
  events: readonly RunEvent[],
  calmFrom: number,
  isClockTrue: boolean,
): readonly string[] {
  return timerEnds(events).flatMap(({ timer, dueMs, overMs, isFired }) => {
    const earlyMs = dueMs - overMs;
    const lateMs = overMs - Math.max(dueMs, calmFrom + GRACE_MS);
    return [
      ...(isFired && isClockTrue && earlyMs > EARLY_MAX_MS
        ? [`${timer} came ${earlyMs} ms early`]
        : []),
      ...(lateMs > LATE_MAX_MS ? [`${timer} came ${lateMs} ms late`] : []),
    ];
  });
}

function timersSet({ type, data }: RunEvent): readonly (readonly [string, Instant])[] {
  if (type === 'WorkflowStarted' || type === 'RunRetried') {
    const { timeout_at: due, at } = data;
    // The step of a run whose time has passed meanwhile begins without any: its definition was paused.
    return due === undefined ? [] : [[TIMEOUT, due < at ? at : due]];
  }
  if (type === 'DelayStarted') return [[delayOf(data.step), data.until]];
  if (type === 'SignalAwaited')
    return data.until === undefined ? [] : [[signalOf(data.step), data.until]];
  if (type !== 'StepAttemptFailed' && type !== 'UndoAttemptFailed') return [];
  return data.retry_at === undefined ? [] : [[retryOf(data.step), data.retry_at]];
}

function timersOver(event: RunEvent): readonly { timer: string; isFired: boolean }[] {
  const { type, data } = event;
  if (type === 'StepRetried' || type === 'UndoRetried')
    return [{ timer: retryOf(data.step), isFired: true }];
  if (type === 'DelayElapsed') return [{ timer: delayOf(data.step), isFired: true }];
  if (type === 'WorkflowTimedOut') return [{ timer: TIMEOUT, isFired: true }];
  if (type === 'WorkflowCompleted' || isHalt(event)) return [{ timer: TIMEOUT, isFired: false }];
  if (type === 'SignalMissed') return [{ timer: signalOf(data.step), isFired: true }];
  if (type === 'SignalTaken') return [{ timer: signalOf(data.step), isFired: false }];
  if (type !== 'WaitAbandoned') return [];
  return [retryOf, delayOf, signalOf].map((of) => ({ timer: of(data.step), isFired: false }));
}

const retryOf = (step: string): string => `the retry of ${step}`;
/** What ends a run's own time without having to do with it. */
function isHalt({ type, data }: RunEvent): boolean {
  if (type === 'CompensationRequested') return true;
  if (type === 'StepFailed') return !data.optional && !data.caught && data.within === undefined;
  return (type === 'GroupFailed' || type === 'MapItemFailed') && data.within === undefined;
}

const TIMEOUT = "the run's time-out";
const signalOf = (step: string): string => `the wait for a signal of ${step}`;
const delayOf = (step: string): string => `the delay ${step}`;
