import { isStarted, owesParent, type RunState } from '@downbeat/saga-domain';

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
 * Nothing will happen by itself any more: the run has ended, and its parent knows; or an undo waits
 * for an operator.
 */
export function isAtRest(state: RunState): boolean {
  if (!isStarted(state)) return false;
  if (hasEnded(state)) return !owesParent(state);
  return state.status === 'compensating' && state.compensation?.undo?.status === 'parked';
}
