import { epochMs, Rejection } from '@downbeat/eventsourcing';
import type { Draft } from './draft';

export const stillPaused = new Rejection('workflow-paused', 'the run is paused; resume it first');

/** @returns False when the run is not paused. */
export function endPause(draft: Draft): boolean {
  const { pause } = draft.run;
  if (!pause) return false;
  // A clock that was set back takes no time away.
  const paused_ms = Math.max(0, epochMs(draft.at) - epochMs(pause.since));
  draft.record({ type: 'WorkflowResumed', data: { paused_ms, at: draft.at } });
  return true;
}
