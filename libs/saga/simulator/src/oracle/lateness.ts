import { epochMs } from '@downbeat/eventsourcing';
import type { RunEvent } from '@downbeat/saga-domain';

/** After the storm a dead replica is missed after 3 s, and a pause after a fault takes up to 5 s. */
const GRACE_MS = 15_000;
const LATE_MAX_MS = 5_000;
/** How far a replica's idea of the database's time may be off. */
const EARLY_MAX_MS = 1_000;

type Recorded = RunEvent & { readonly recorded_at: string };

/** Timers that came more than a second early by the database's time, or late in fine weather. */
export function latenessOf(
  events: readonly RunEvent[],
  calmFrom: number,
  isClockTrue: boolean,
): readonly string[] {
  const wrongs: string[] = [];
  const due = new Map<string, number>();
  for (const event of events as readonly Recorded[]) {
    const now = Date.parse(event.recorded_at);
    for (const [timer, at] of timersSet(event)) due.set(timer, at);
    for (const { timer, isFired } of timersOver(event)) {
      const at = due.get(timer);
      due.delete(timer);
      if (at === undefined) continue;
      if (isFired && isClockTrue && now < at - EARLY_MAX_MS)
        wrongs.push(`${timer} came ${at - now} ms early`);
      const lateMs = now - Math.max(at, calmFrom + GRACE_MS);
      if (lateMs > LATE_MAX_MS) wrongs.push(`${timer} came ${lateMs} ms late`);
    }
  }
  return wrongs;
}

function timersSet({ type, data }: RunEvent): readonly (readonly [string, number])[] {
  if (type === 'DelayStarted') return [[delayOf(data.step), epochMs(data.until)]];
  if (type !== 'StepAttemptFailed' && type !== 'UndoAttemptFailed') return [];
  return data.retry_at === undefined ? [] : [[retryOf(data.step), epochMs(data.retry_at)]];
}

function timersOver({ type, data }: RunEvent): readonly { timer: string; isFired: boolean }[] {
  if (type === 'StepRetried' || type === 'UndoRetried')
    return [{ timer: retryOf(data.step), isFired: true }];
  if (type === 'DelayElapsed') return [{ timer: delayOf(data.step), isFired: true }];
  if (type !== 'WaitAbandoned') return [];
  return [retryOf(data.step), delayOf(data.step)].map((timer) => ({ timer, isFired: false }));
}

const retryOf = (step: string): string => `the retry of ${step}`;
const delayOf = (step: string): string => `the delay ${step}`;
