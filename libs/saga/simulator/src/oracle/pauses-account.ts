import { epochMs } from '@downbeat/eventsourcing';
import type { RunEvent } from '@downbeat/saga-domain';

/** What may be heard of in a pause; anything else would go on. */
const HEARD_IN_A_PAUSE: ReadonlySet<RunEvent['type']> = new Set([
  'StepCompleted',
  'StepAttemptFailed',
  'StepFailed',
  'StepCompensated',
  'UndoAttemptFailed',
  'IncidentOpened',
  'CallHeld',
  'SignalReceived',
  'ParentTold',
  'WorkflowMigrated',
  // Ends it.
  'CompensationRequested',
  'WorkflowResumed',
]);

/** What is wrong with a run's pauses by its events alone: nothing goes on in one, and each has its end. */
export function pausesAccountOf(events: readonly RunEvent[]): readonly string[] {
  const wrongs: string[] = [];
  let since: number | undefined;
  events.forEach(({ type, data }, index) => {
    if (since !== undefined && !HEARD_IN_A_PAUSE.has(type)) wrongs.push(`${type} in a pause`);
    const isEnding = since !== undefined && events[index - 1]?.type === 'CompensationRequested';
    if (isEnding && type !== 'WorkflowResumed') wrongs.push(`${type} before the pause is over`);
    if (type === 'WorkflowPaused') since = epochMs(data.at);
    if (type !== 'WorkflowResumed') return;
    const lasted = since === undefined ? undefined : Math.max(0, epochMs(data.at) - since);
    if (data.paused_ms !== lasted)
      wrongs.push(`a pause of ${lasted ?? 'no'} ms counts as one of ${data.paused_ms}`);
    since = undefined;
  });
  return wrongs;
}
