import { Rejection } from '@downbeat/eventsourcing';
import type { ArchiveWorkflow } from './commands';
import type { Draft } from './draft';
import type { EndedRun } from './events';
import { versionOf } from './run-version';
import { owesParent, type Run } from './state';

/** Takes a run that has ended out of what is at work. */
export function archiveRun(draft: Draft, { data }: ArchiveWorkflow): Rejection | undefined {
  const { run, at } = draft;
  if (run.archived) return undefined;
  const ended = endedRun(run, data.started_position ?? 0);
  if (!ended) return new Rejection('workflow-not-ended', 'a run is archived when it has ended');
  if (owesParent(run))
    return new Rejection('parent-not-told', 'the run it is a step of has not recorded its end yet');
  const { incidents } = run;
  const ids = incidents.length === 0 ? {} : { incident_ids: incidents };
  draft.record({ type: 'WorkflowArchived', data: { run: ended, ...ids, at } });
  return undefined;
}

/** Takes an archived run out of all lists, for good. */
export function purgeRun(draft: Draft): Rejection | undefined {
  const { run, at } = draft;
  if (run.purgedAt !== undefined) return undefined;
  if (!run.archived)
    return new Rejection('workflow-not-archived', 'a run is archived before it is purged');
  draft.record({ type: 'WorkflowPurged', data: { at } });
  return undefined;
}

/** Before an archived run goes on it is at work again; one that was purged does not go on. */
export function restoreRun(draft: Draft): Rejection | undefined {
  const { archived } = draft.run;
  const gone = whyGone(draft);
  if (gone) return gone;
  if (archived) draft.record({ type: 'WorkflowRestored', data: { run: archived, at: draft.at } });
  return undefined;
}

/** Nothing is asked of a run that was purged, whatever state it ended in. */
export const whyGone = ({ run: { purgedAt } }: Draft): Rejection | undefined =>
  purgedAt === undefined ? undefined : purgedRun(purgedAt);

/** The answer to whoever asks for it. */
export const purgedRun = (at: string): Rejection =>
  new Rejection(
    'workflow-purged',
    `the run was purged at ${at}; its events are kept, and an audit can replay them`,
    'gone',
  );

function endedRun(run: Run, started_position: number): EndedRun | undefined {
  const { started, status, endedAt } = run;
  if (status === 'running' || status === 'compensating' || endedAt === undefined) return undefined;
  const { workflow_id, workflow_name, correlation_id } = started;
  const total_steps = run.migrated?.totalSteps ?? started.total_steps;
  const { wedding_id, initiating_service, at: started_at } = started;
  const reached = [...run.steps.values()].at(-1)?.place ?? 0;
  return {
    workflow_id,
    workflow_name,
    workflow_version: versionOf(run),
    correlation_id,
    ...(wedding_id === undefined ? {} : { wedding_id }),
    initiating_service,
    status,
    current_step: status === 'completed' ? total_steps : reached,
    total_steps,
    started_at,
    completed_at: endedAt,
    started_position,
  };
}
