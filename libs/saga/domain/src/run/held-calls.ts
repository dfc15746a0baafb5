import { goOn } from './advance';
import type { HoldCall, Purpose, ReleaseCall } from './commands';
import type { Draft } from './draft';
import { settle } from './settle';
import { isUndoing, type Calls, type Run } from './state';

/** A call that is not the present one, or was answered, changes nothing. */
export function holdCall(draft: Draft, { data }: HoldCall): void {
  const calls = presentCall(draft.run, data);
  if (!calls || calls.isHeld) return;
  draft.record({ type: 'CallHeld', data: { ...data, at: draft.at } });
  if (draft.run.pause) return;
  // What is on its way to its end waits for calls that were sent, and for no other.
  if (data.purpose === 'step') {
    const spot = draft.spotOf(data.step);
    if (draft.isStopped(spot)) goOn(draft, spot);
  } else if (draft.run.status === 'running' && draft.isHalted) settle(draft);
}

/** Only what is recorded as released may be sent, and nothing is while the run is paused. */
export function releaseCall(draft: Draft, { data }: ReleaseCall): void {
  if (draft.run.pause) return;
  if (presentCall(draft.run, data)?.isHeld)
    draft.record({ type: 'CallReleased', data: { ...data, at: draft.at } });
}

/** The call under way with this number: of the step, or of its undo. */
export function presentCall(
  run: Run,
  { purpose, step, attempt }: { purpose: Purpose; step: string; attempt: number },
): Calls | undefined {
  const isUndo = purpose === 'undo';
  if (isUndo ? !isUndoing(run) : run.status !== 'running') return undefined;
  if (isUndo && run.compensation?.remaining[0] !== step) return undefined;
  const calls = isUndo ? run.compensation?.undo : run.steps.get(step);
  return calls?.status === 'calling' && calls.attempt === attempt ? calls : undefined;
}
