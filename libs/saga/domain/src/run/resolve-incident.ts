import { Rejection } from '@downbeat/eventsourcing';
import type { ResolveIncident } from './commands';
import type { Draft } from './draft';
import { closeIncident } from './incidents';
import { stillPaused } from './pause';
import { undoNext } from './settle';
import { undone } from './undone';

/** A person says what becomes of the undo that the run waits with, and the run goes on from there. */
export function resolveIncident(draft: Draft, { data }: ResolveIncident): Rejection | undefined {
  const { incident } = draft.run;
  const { incident_id, action, reason } = data;
  if (action !== 'retry' && reason === undefined)
    return new Rejection('invalid-input', `reason is needed with ${action}`, 'invalid', [
      { field: 'reason', message: `is needed with ${action}` },
    ]);
  if (incident?.id !== incident_id)
    return draft.run.incidents.includes(incident_id)
      ? new Rejection('incident-resolved', 'the incident was resolved already')
      : new Rejection('incident-unknown', 'there is no such incident', 'not-found');
  if (draft.run.pause) return stillPaused;
  closeIncident(draft, action, { reason });
  if (action === 'retry') undoAgain(draft);
  else undone(draft);
  return undefined;
}

/** The undo that is parked: a further call of it, or its first: it could not be formed before, or is another one now. */
export function undoAgain(draft: Draft): void {
  const { compensation } = draft.run;
  const [step] = compensation?.remaining ?? [];
  const attempt = compensation?.undo?.attempt ?? 0;
  const effect = draft.run.effects.find((one) => one.step === step);
  if (step === undefined || attempt === 0 || effect?.isUndoAnew) return undoNext(draft);
  draft.record({ type: 'UndoRetried', data: { step, attempt: attempt + 1, at: draft.at } });
}
