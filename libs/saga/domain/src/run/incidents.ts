import type { Draft } from './draft';
import type { IncidentAction, IncidentKind } from './events';
import { opensIncidents } from './rules-version';

/** From here on the run waits for a person. */
export function openIncident(
  draft: Draft,
  kind: IncidentKind,
  { step, message, attempts }: { step: string; message: string; attempts: number },
): void {
  const { started, incidents } = draft.run;
  if (!opensIncidents(started))
    return draft.record({ type: 'UndoParked', data: { step, message, attempts, at: draft.at } });
  const { workflow_id, workflow_name } = started;
  const incident_id = `${workflow_id}:${step}:${incidents.length + 1}`;
  draft.record({
    type: 'IncidentOpened',
    data: { incident_id, workflow_name, step, kind, message, attempts, at: draft.at },
  });
}

/** Records what the person who saw to the open one said, or that nobody needs to any more. */
export function closeIncident(
  draft: Draft,
  action: IncidentAction,
  more: { readonly reason?: string | undefined; readonly max_retries?: number | undefined } = {},
): void {
  const { incident } = draft.run;
  if (!incident) return;
  const { id: incident_id, step } = incident;
  const { reason, max_retries } = more;
  const why = reason === undefined ? {} : { reason };
  const budget = max_retries === undefined ? {} : { max_retries };
  draft.record({
    type: 'IncidentResolved',
    data: { incident_id, step, action, ...why, ...budget, at: draft.at },
  });
}
