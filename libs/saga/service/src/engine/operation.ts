import type {
  CompensateWorkflow,
  PauseWorkflow,
  ResolveIncident,
  ResumeWorkflow,
  RetryWorkflow,
} from '@downbeat/saga-domain';

/** What an operator can say to a run that is there already. */
export type Operation =
  CompensateWorkflow | RetryWorkflow | ResolveIncident | PauseWorkflow | ResumeWorkflow;

/** The id of the run an operation is about; ids of incidents begin with it. */
export function runOf({ data }: Operation): string {
  if ('workflow_id' in data) return data.workflow_id;
  return data.incident_id.slice(0, data.incident_id.indexOf(':'));
}
