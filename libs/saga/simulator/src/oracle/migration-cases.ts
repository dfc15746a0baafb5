import type { RunEvent } from '@downbeat/saga-domain';
import type { History } from './history';
import { nameAt } from './places';

/** The same for runs that go by another version of their definition. */
export const MIGRATION_CASES = [
  'a run migrated beside a call',
  'a run migrated with a retry ahead',
  'a run migrated while it was undone',
  'a run migrated while it waited for a person',
  'a run migrated in a pause',
  'a run migrated from the archive',
  'a run migrated twice',
  'a run migrated back',
  'a child migrated',
  'a failed run migrated and went on',
  'a migrated run took a step of its new version',
  'a call was another request after a migration',
  'an undo was another request after a migration',
  'a run began with a later version',
] as const;
export type MigrationCase = (typeof MIGRATION_CASES)[number];

/** Every such turn that a run took. */
export function migrationCasesOf({ events, first, last }: History): readonly MigrationCase[] {
  const found: MigrationCase[] = [];
  const open = new Set<string>();
  const waiting = new Set<string>();
  const anew = new Set<string>();
  const versions = new Set([first.version]);
  let status: 'running' | 'failed' | 'undone' = 'running';
  let [isPaused, hasIncident, isChild, hasMigrated, isMigratedSinceFailure] = Array(5).fill(false);
  events.forEach((event, index) => {
    const { type, data } = event;
    if (type === 'WorkflowStarted') {
      isChild = data.parent !== undefined;
      if (data.workflow_version !== '1.0.0') found.push('a run began with a later version');
    }
    if (type === 'WorkflowMigrated') {
      if (open.size > 0) found.push('a run migrated beside a call');
      if (waiting.size > 0) found.push('a run migrated with a retry ahead');
      if (status === 'undone') found.push('a run migrated while it was undone');
      if (hasIncident) found.push('a run migrated while it waited for a person');
      if (isPaused) found.push('a run migrated in a pause');
      if (isChild) found.push('a child migrated');
      if (hasMigrated) found.push('a run migrated twice');
      if (versions.has(data.to_version)) found.push('a run migrated back');
      if (events[index - 1]?.type === 'WorkflowRestored')
        found.push('a run migrated from the archive');
      hasMigrated = true;
      isMigratedSinceFailure = true;
      versions.add(data.to_version);
      for (const step of data.anew ?? []) anew.add(step);
    }
    if (type === 'WorkflowFailed') [status, isMigratedSinceFailure] = ['failed', false];
    if (type === 'RunRetried' && status === 'failed') {
      if (isMigratedSinceFailure) found.push('a failed run migrated and went on');
      status = 'running';
    }
    if (type === 'CompensationStarted') status = 'undone';
    if (type === 'WorkflowPaused') isPaused = true;
    if (type === 'WorkflowResumed') isPaused = false;
    if (type === 'IncidentOpened') hasIncident = true;
    if (type === 'IncidentResolved') hasIncident = false;
    if (type === 'StepRetried' && data.input && anew.delete(data.step))
      found.push('a call was another request after a migration');
    if (type === 'UndoStarted' && data.edition === data.attempt)
      found.push('an undo was another request after a migration');
    if (isBegun(event) && hasMigrated && !first.steps.has(nameAt(event.data.step)))
      if (last.steps.has(nameAt(event.data.step)))
        found.push('a migrated run took a step of its new version');
    noteCalls(event, open, waiting);
  });
  return found;
}

const isBegun = (event: RunEvent): event is Extract<RunEvent, { type: 'StepStarted' }> =>
  event.type === 'StepStarted';

function noteCalls({ type, data }: RunEvent, open: Set<string>, waiting: Set<string>): void {
  if (!('step' in data) || data.step === undefined) return;
  if (CALLING.has(type)) open.add(data.step);
  if (CALLING.has(type) || type === 'StepFailed' || type === 'WaitAbandoned')
    waiting.delete(data.step);
  if (ANSWERED.has(type)) open.delete(data.step);
  if ('retry_at' in data && data.retry_at !== undefined) waiting.add(data.step);
}

const CALLING: ReadonlySet<string> = new Set([
  'StepStarted',
  'StepRetried',
  'UndoStarted',
  'UndoRetried',
]);
const ANSWERED: ReadonlySet<string> = new Set([
  'StepCompleted',
  'StepAttemptFailed',
  'StepFailed',
  'StepCompensated',
  'UndoAttemptFailed',
  'WaitAbandoned',
]);
