import {
  isStarted,
  owesParent,
  type RunState,
  type StepState,
  type UndoState,
} from '@downbeat/saga-domain';

export function hasEnded(state: RunState): boolean {
  if (!isStarted(state)) return false;
  switch (state.status) {
    case 'completed':
    case 'failed':
    case 'compensated':
      return true;
    case 'running':
    case 'compensating':
      return false;
  }
}

/**
 * Nothing will happen by itself any more: the run has ended, and its parent knows; an undo waits for
 * an operator; or the run is paused and its last call is answered.
 */
export function isAtRest(state: RunState): boolean {
  if (!isStarted(state)) return false;
  if (hasEnded(state)) return !owesParent(state);
  const undo = state.compensation?.undo;
  if (state.pause) return !isSent(undo) && ![...state.steps.values()].some(isSent);
  return state.status === 'compensating' && undo?.status === 'parked';
}

const isSent = (calls: StepState | UndoState | undefined): boolean =>
  calls?.status === 'calling' && !calls.isHeld;
