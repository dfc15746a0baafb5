import type {
  ArchiveWorkflow,
  ChildEnded,
  CompensateWorkflow,
  MigrationRequest,
  PauseWorkflow,
  PurgeWorkflow,
  ResolveIncident,
  ResumeWorkflow,
  RetryWorkflow,
  SignalWorkflow,
} from '@downbeat/saga-domain';

/** What can be said to a run that is there already: by an operator, by others, by a run it waits for. */
export type Operation =
  | CompensateWorkflow
  | RetryWorkflow
  | SignalWorkflow
  | ResolveIncident
  | PauseWorkflow
  | ResumeWorkflow
  | ArchiveWorkflow
  | PurgeWorkflow
  | MigrationRequest
  | ChildEnded;

/** The id of the run an operation is about; ids of incidents begin with it. */
export function runOf({ data }: Operation): string {
  if ('workflow_id' in data) return data.workflow_id;
  return data.incident_id.slice(0, data.incident_id.indexOf(':'));
}
