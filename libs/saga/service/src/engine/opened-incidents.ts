import type { IncidentKind, RunEvent } from '@downbeat/saga-domain';

/** A person has to act; what whoever raises the alarm is told. */
export interface OpenedIncident {
  readonly incident_id: string;
  readonly workflow_id: string;
  readonly correlation_id: string;
  readonly step_name: string;
  readonly kind: IncidentKind;
  readonly reason: string;
  readonly attempts: number;
}

/** The incidents that an append opens; a run under the first rules has them without an id. */
export function openedIncidents(
  events: readonly RunEvent[],
  run: Pick<OpenedIncident, 'workflow_id' | 'correlation_id'>,
): readonly OpenedIncident[] {
  return events.flatMap((event): readonly OpenedIncident[] => {
    if (event.type !== 'IncidentOpened' && event.type !== 'UndoParked') return [];
    const { step: step_name, message: reason, attempts } = event.data;
    const { incident_id, kind } =
      event.type === 'IncidentOpened'
        ? event.data
        : {
            incident_id: `${run.workflow_id}:${step_name}:0`,
            kind: attempts === 0 ? ('undo_input' as const) : ('undo_failed' as const),
          };
    return [{ incident_id, ...run, step_name, kind, reason, attempts }];
  });
}
