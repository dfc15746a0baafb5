import { Rejection } from '@downbeat/eventsourcing';
import { finish, walk } from './advance';
import type { PauseWorkflow, ResumeWorkflow } from './commands';
import type { Draft } from './draft';
import { endPause } from './pause';
import { settle, undoNext } from './settle';
import { takeAllKept } from './signals';
import { rejoinRaces } from './undone';

const hasEnded = new Rejection('workflow-ended', 'the run has ended');

/** Asking for what already holds is not a change. */
export function pauseRun(
  draft: Draft,
  { data: { reason }, definition_pause }: PauseWorkflow,
): Rejection | undefined {
  switch (draft.run.status) {
    case 'running':
    case 'compensating': {
      const why = reason === undefined ? {} : { reason };
      const which = definition_pause === undefined ? {} : { definition_pause };
      if (!draft.run.pause)
        draft.record({ type: 'WorkflowPaused', data: { ...why, ...which, at: draft.at } });
      return undefined;
    }
    case 'completed':
    case 'failed':
    case 'compensated':
      return hasEnded;
  }
}

/** What would have followed the answers that came in during the pause follows now. */
export function resumeRun(
  draft: Draft,
  { definition_pause }: ResumeWorkflow,
): Rejection | undefined {
  // Whoever has paused it besides has to say so himself.
  if (definition_pause !== undefined && !draft.run.pause?.isOfDefinition) return undefined;
  switch (draft.run.status) {
    case 'running':
      goOnAgain(draft);
      return undefined;
    case 'compensating':
      if (endPause(draft) && !draft.run.compensation?.undo) undoNext(draft);
      return undefined;
    case 'completed':
    case 'failed':
    case 'compensated':
      return hasEnded;
  }
}

function goOnAgain(draft: Draft): void {
  const heard = draft.run.pause?.heard ?? [];
  if (!endPause(draft)) return;
  if (draft.isHalted) return settle(draft);
  draft.heard = heard;
  finish(draft, walk(draft, draft.definition.first), undefined);
  takeAllKept(draft);
  if (!draft.run.compensation?.undo) rejoinRaces(draft);
}
