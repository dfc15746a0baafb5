import { integrationEvent, sagaContract } from '@downbeat/contracts';
import type { Json } from '@downbeat/eventsourcing';
import { keepPrivate, type Publications } from '@downbeat/publishing';
import type {
  BulkEvent,
  DefinitionControlEvent,
  RetentionEvent,
  RunEvent,
  ScheduleEvent,
  TargetEvent,
  WorkflowDefinitionRegistered,
} from '@downbeat/saga-domain';

/** What ended runs tell others stands in their first event, which a publication does not see. */
export const sagaPublications: Publications<
  | RunEvent
  | WorkflowDefinitionRegistered
  | DefinitionControlEvent
  | TargetEvent
  | ScheduleEvent
  | BulkEvent
  | RetentionEvent
> = {
  WorkflowStarted: ({ data }) =>
    integrationEvent(sagaContract.workflowStarted, {
      workflow_id: data.workflow_id,
      workflow_name: data.workflow_name,
      workflow_version: data.workflow_version,
      correlation_id: data.correlation_id,
    }),
  WorkflowCompleted: ({ stream, meta }) =>
    integrationEvent(sagaContract.workflowCompleted, runOf(stream, meta.correlation_id)),
  WorkflowFailed: ({ stream, meta, data }) =>
    integrationEvent(sagaContract.workflowFailed, {
      ...runOf(stream, meta.correlation_id),
      reason: data.reason,
    }),
  WorkflowCompensated: ({ stream, meta, data }) =>
    integrationEvent(sagaContract.workflowCompensated, {
      ...runOf(stream, meta.correlation_id),
      reason: data.reason,
    }),
  IncidentOpened: ({ stream, meta, data }) =>
    integrationEvent(sagaContract.incidentOpened, {
      ...runOf(stream, meta.correlation_id),
      incident_id: data.incident_id,
      step_name: data.step,
      kind: data.kind,
      reason: data.message,
      attempts: data.attempts,
    }),
  EventPublished: ({ stream, meta, data }) =>
    integrationEvent(sagaContract.workflowEventPublished, {
      ...runOf(stream, meta.correlation_id),
      workflow_name: data.workflow_name,
      step_name: data.step,
      event: data.event,
      payload: data.payload as Readonly<Record<string, Json>>,
    }),
  IncidentResolved: ({ stream, meta, data }) =>
    integrationEvent(sagaContract.incidentResolved, {
      ...runOf(stream, meta.correlation_id),
      incident_id: data.incident_id,
      step_name: data.step,
      action: data.action,
      ...(data.reason === undefined ? {} : { reason: data.reason }),
      resolved_by: meta.actor,
    }),
  UndoParked: ({ stream, meta, data }) =>
    integrationEvent(sagaContract.incidentOpened, {
      ...runOf(stream, meta.correlation_id),
      incident_id: `${stream.slice('workflow-'.length)}:${data.step}:0`,
      step_name: data.step,
      kind: data.attempts === 0 ? 'undo_input' : 'undo_failed',
      reason: data.message,
      attempts: data.attempts,
    }),
  WorkflowPaused: keepPrivate,
  WorkflowResumed: keepPrivate,
  WorkflowMigrated: keepPrivate,
  StepStarted: keepPrivate,
  StepRetried: keepPrivate,
  StepAttemptFailed: keepPrivate,
  StepCompleted: keepPrivate,
  StepFailed: keepPrivate,
  StepSkipped: keepPrivate,
  DecisionTaken: keepPrivate,
  ParallelStarted: keepPrivate,
  ParallelCompleted: keepPrivate,
  MapStarted: keepPrivate,
  MapItemStarted: keepPrivate,
  MapItemCompleted: keepPrivate,
  MapItemFailed: keepPrivate,
  MapCompleted: keepPrivate,
  RaceWon: keepPrivate,
  RaceUndoStarted: keepPrivate,
  GroupFailed: keepPrivate,
  DelayStarted: keepPrivate,
  DelayElapsed: keepPrivate,
  SignalAwaited: keepPrivate,
  SignalReceived: keepPrivate,
  SignalTaken: keepPrivate,
  SignalMissed: keepPrivate,
  WaitAbandoned: keepPrivate,
  WorkflowTimedOut: keepPrivate,
  CompensationRequested: keepPrivate,
  CompensationStarted: keepPrivate,
  UndoStarted: keepPrivate,
  UndoRetried: keepPrivate,
  UndoAttemptFailed: keepPrivate,
  StepCompensated: keepPrivate,
  RunRetried: keepPrivate,
  ParentTold: keepPrivate,
  WorkflowArchived: keepPrivate,
  WorkflowRestored: keepPrivate,
  WorkflowPurged: keepPrivate,
  RetentionPolicySet: keepPrivate,
  RetentionPolicyDeleted: keepPrivate,
  WorkflowDefinitionRegistered: keepPrivate,
  DefinitionPaused: keepPrivate,
  DefinitionResumed: keepPrivate,
  BulkOperationStarted: keepPrivate,
  BulkRunsAnswered: keepPrivate,
  BulkOperationCompleted: keepPrivate,
  BulkOperationAborted: keepPrivate,
  BulkOperationForgotten: keepPrivate,
  CallHeld: keepPrivate,
  CallReleased: keepPrivate,
  TargetLimited: keepPrivate,
  TargetPaused: keepPrivate,
  TargetResumed: keepPrivate,
  ScheduleSet: keepPrivate,
  SchedulePaused: keepPrivate,
  ScheduleResumed: keepPrivate,
  ScheduleDeleted: keepPrivate,
  OccurrencesMissed: keepPrivate,
  OccurrenceDue: keepPrivate,
  OccurrenceQueued: keepPrivate,
  OccurrenceSkipped: keepPrivate,
  OccurrenceStarted: keepPrivate,
  OccurrenceRefused: keepPrivate,
  OccurrenceEnded: keepPrivate,
};

const runOf = (stream: string, correlation_id: string) => ({
  workflow_id: stream.slice('workflow-'.length),
  correlation_id,
});
