import { isStarted, type Run, type RunState } from '@downbeat/saga-domain';

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
 * Nothing will happen by itself any more: the run has ended, an undo waits for an operator, or the
 * run is paused and its last call is answered.
 */
export function isAtRest(state: RunState): boolean {
  if (hasEnded(state)) return true;
  if (!isStarted(state)) return false;
  const undo = state.compensation?.undo?.status;
  if (state.pause) return undo !== 'calling' && !isAnyCalling(state);
  if (state.status !== 'compensating') return false;
  return undo === 'parked';
}

function isAnyCalling({ steps }: Run): boolean {
  for (const { status } of steps.values()) if (status === 'calling') return true;
  return false;
}
