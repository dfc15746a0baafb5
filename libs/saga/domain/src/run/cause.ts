import type { CompiledDefinition } from '../definition/compiled';
import type { RunEvent } from './events';
import type { CallAnswered, CallResult, Purpose, RunCommand } from './commands';
import type { FailedCall } from './events';
import { isStarted, type RunState } from './state';
import { delayTimer, retryTimer, signalTimer, undoTimer, WORKFLOW_TIMER } from './timers';

/**
 * The command that one append's events answer, made from the events themselves: the first one says
 * what came in. Deciding it again on `before` must give the same events, which is how an audit
 * proves that a recorded decision follows from the rules.
 *
 * @param target The definition that a migration was to: an event holds its version and checksum only.
 * @returns `undefined` for events that no command begins with: the log was altered.
 */
export function causeOf(
  events: readonly RunEvent[],
  before: RunState,
  target?: CompiledDefinition,
): RunCommand | undefined {
  const [first] = events;
  if (!first) return undefined;
  const workflow_id = isStarted(before) ? before.started.workflow_id : '';
  const { at } = first.data;
  switch (first.type) {
    case 'WorkflowStarted': {
      const { workflow_name, workflow_version, correlation_id, initiating_service } = first.data;
      const {
        context_data,
        wedding_id,
        timeout_minutes,
        checksum,
        rules,
        priority = 'normal',
        parent,
      } = first.data;
      return {
        type: 'StartWorkflow',
        at,
        workflow_id: first.data.workflow_id,
        checksum,
        ...(parent ? { parent } : {}),
        rules,
        data: {
          workflow_name,
          workflow_version,
          correlation_id,
          initiating_service,
          context_data: context_data as never,
          ...(wedding_id === undefined ? {} : { wedding_id }),
          ...(timeout_minutes === undefined ? {} : { timeout_minutes }),
          priority,
        },
      };
    }
    case 'StepAttemptFailed':
      return answered('step', first.data, failure(first.data), first.data.chance);
    case 'UndoAttemptFailed':
      return answered('undo', first.data, failure(first.data), first.data.chance);
    case 'CallHeld': {
      const { at: _, ...data } = first.data;
      return { type: 'HoldCall', at, data };
    }
    case 'CallReleased': {
      const { at: _, ...data } = first.data;
      return { type: 'ReleaseCall', at, data };
    }
    case 'StepCompleted':
      return answered('step', first.data, { kind: 'ok', output: first.data.output }, 0);
    case 'StepCompensated':
      return answered('undo', first.data, { kind: 'ok', output: first.data.output }, 0);
    case 'StepFailed': {
      const { step, attempts: attempt, reissued = false, output, oversized, message } = first.data;
      if (oversized)
        return answered('step', { step, attempt, reissued, at }, { kind: 'oversized', message }, 0);
      if (first.data.outcome !== 'unusable' || output === undefined) return undefined;
      return answered('step', { step, attempt, reissued, at }, { kind: 'ok', output }, 0);
    }
    case 'StepRetried':
      return timerDue(retryTimer(first.data.step, first.data.attempt - 1), at);
    case 'UndoRetried':
      return timerDue(undoTimer(first.data.step, first.data.attempt - 1), at);
    case 'DelayElapsed':
      return timerDue(delayTimer(first.data.step), at);
    case 'SignalMissed':
      return timerDue(signalTimer(first.data.step), at);
    case 'SignalReceived': {
      const { signal, payload } = first.data;
      return { type: 'SignalWorkflow', at, data: { workflow_id, signal, payload } };
    }
    case 'ParentTold':
      return { type: 'NoteParentTold', at, data: { ends: first.data.ends } };
    case 'WorkflowTimedOut':
      return timerDue(WORKFLOW_TIMER, at);
    case 'CompensationRequested': {
      const { reason, strategy, custom_steps, to_savepoint, for_parent } = first.data;
      if (strategy === 'none') return undefined;
      const custom = custom_steps ? { custom_steps: [...custom_steps] } : {};
      const back = to_savepoint === undefined ? {} : { to_savepoint };
      return {
        type: 'CompensateWorkflow',
        at,
        ...(for_parent ? { for_parent } : {}),
        data: { workflow_id, reason, compensation_strategy: strategy, ...custom, ...back },
      };
    }
    case 'RunRetried': {
      const { strategy: retry_strategy, from_step, max_retries } = first.data;
      const { context_patch, parent_attempt } = first.data;
      return {
        type: 'RetryWorkflow',
        at,
        ...(parent_attempt === undefined ? {} : { parent_attempt }),
        data: {
          workflow_id,
          retry_strategy,
          ...(from_step === undefined ? {} : { from_step }),
          ...(max_retries === undefined ? {} : { max_retries }),
          ...(context_patch === undefined ? {} : { context_patch: context_patch as never }),
        },
      };
    }
    case 'IncidentResolved': {
      const { incident_id, action, reason } = first.data;
      if (action === 'overtaken') return undefined;
      const why = reason === undefined ? {} : { reason };
      return { type: 'ResolveIncident', at, data: { incident_id, action, ...why } };
    }
    case 'WorkflowPaused': {
      const { reason, definition_pause } = first.data;
      const why = reason === undefined ? {} : { reason };
      const which = definition_pause === undefined ? {} : { definition_pause };
      return { type: 'PauseWorkflow', at, ...which, data: { workflow_id, ...why } };
    }
    case 'WorkflowResumed':
      return { type: 'ResumeWorkflow', at, data: { workflow_id } };
    case 'WorkflowArchived': {
      const { started_position } = first.data.run;
      return { type: 'ArchiveWorkflow', at, data: { workflow_id, started_position } };
    }
    case 'WorkflowRestored':
      // What it was restored for follows in the same append.
      return causeOf(events.slice(1), before, target);
    case 'WorkflowPurged':
      return { type: 'PurgeWorkflow', at, data: { workflow_id } };
    case 'WorkflowMigrated': {
      const { to_version, reason, checksum } = first.data;
      const data = { workflow_id, to_version, reason };
      return target && { type: 'MigrateWorkflow', at, data, definition: target, checksum };
    }
    case 'StepStarted':
    case 'StepSkipped':
    case 'DecisionTaken':
    case 'ParallelStarted':
    case 'ParallelCompleted':
    case 'MapStarted':
    case 'MapItemStarted':
    case 'MapItemCompleted':
    case 'MapItemFailed':
    case 'MapCompleted':
    case 'RaceWon':
    case 'RaceUndoStarted':
    case 'GroupFailed':
    case 'DelayStarted':
    case 'EventPublished':
    case 'SignalAwaited':
    case 'SignalTaken':
    case 'WaitAbandoned':
    case 'CompensationStarted':
    case 'UndoStarted':
    case 'UndoParked':
    case 'IncidentOpened':
    case 'WorkflowCompleted':
    case 'WorkflowFailed':
    case 'WorkflowCompensated':
      return undefined;
  }
}

const timerDue = (timer_id: string, at: RunCommand['at']): RunCommand => ({
  type: 'TimerDue',
  at,
  data: { timer_id },
});

type Answered = Pick<FailedCall, 'step' | 'attempt' | 'reissued' | 'at'>;

const answered = (
  purpose: Purpose,
  { step, attempt, reissued, at }: Answered,
  result: CallResult,
  chance: number,
): CallAnswered => ({
  type: 'CallAnswered',
  at,
  chance,
  data: { purpose, step, attempt, result, reissued },
});

function failure({ kind, status, message, retry_after_ms }: FailedCall): CallResult {
  if (kind !== 'answer') return { kind, message };
  const later = retry_after_ms === undefined ? {} : { retry_after_ms };
  return { kind, status: status ?? 0, message, ...later };
}
