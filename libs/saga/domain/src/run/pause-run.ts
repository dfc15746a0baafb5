import { Rejection } from '@downbeat/eventsourcing';
import { finish } from './advance';
import type { PauseWorkflow } from './commands';
import type { Draft } from './draft';
import { endPause } from './pause';
import { resume } from './retry-run';
import { settle, undoNext } from './settle';

const hasEnded = new Rejection('workflow-ended', 'the run has ended');

/** Asking for what already holds is not a change. */
export function pauseRun(draft: Draft, { data: { reason } }: PauseWorkflow): Rejection | undefined {
  switch (draft.run.status) {
    case 'running':
    case 'compensating': {
      const why = reason === undefined ? {} : { reason };
      if (!draft.run.pause)
        draft.record({ type: 'WorkflowPaused', data: { ...why, at: draft.at } });
      return undefined;
    }
    case 'completed':
    case 'failed':
    case 'compensated':
      return hasEnded;
  }
}

/** What would have followed the answers that came in during the pause follows now. */
export function resumeRun(draft: Draft): Rejection | undefined {
  switch (draft.run.status) {
    case 'running':
      if (!endPause(draft)) return undefined;
      if (draft.isHalted) settle(draft);
      else finish(draft, resume(draft, draft.definition.first), undefined);
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
