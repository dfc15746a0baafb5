import type { DataOf, sagaContract } from '@downbeat/contracts';
import type { Instant, Message } from '@downbeat/eventsourcing';
import type { RunStatus } from '../run/state';

export type SchedulePlan = Omit<DataOf<typeof sagaContract.putSchedule>, 'name'>;

interface Said {
  readonly name: string;
  readonly at: Instant;
}

interface Occurrence extends Said {
  readonly due_at: Instant;
}

export type ScheduleSet = Message<'ScheduleSet', Said & { readonly plan: SchedulePlan }>;
export type SchedulePaused = Message<'SchedulePaused', Said & { readonly reason: string }>;
export type ScheduleResumed = Message<'ScheduleResumed', Said>;
export type ScheduleDeleted = Message<'ScheduleDeleted', Said>;
/** Nobody was there to start them in time, and it is too late now: all from `due_at` to `last_due_at`. */
export type OccurrencesMissed = Message<
  'OccurrencesMissed',
  Occurrence & { readonly last_due_at: Instant; readonly count: number }
>;
/** Its run is to be started now. */
export type OccurrenceDue = Message<
  'OccurrenceDue',
  Occurrence & { readonly correlation_id: string; readonly is_asked_for?: boolean }
>;
/** It waits until the run before has ended. */
export type OccurrenceQueued = Message<'OccurrenceQueued', Occurrence>;
export type OccurrenceSkipped = Message<
  'OccurrenceSkipped',
  Occurrence & { readonly behind: string }
>;
export type OccurrenceStarted = Message<
  'OccurrenceStarted',
  Occurrence & { readonly workflow_id: string }
>;
export type OccurrenceRefused = Message<
  'OccurrenceRefused',
  Occurrence & { readonly code: string; readonly message: string }
>;
/** Recorded where another occurrence may have to wait for it. */
export type OccurrenceEnded = Message<
  'OccurrenceEnded',
  Occurrence & { readonly status: RunStatus }
>;

export type ScheduleEvent =
  | ScheduleSet
  | SchedulePaused
  | ScheduleResumed
  | ScheduleDeleted
  | OccurrencesMissed
  | OccurrenceDue
  | OccurrenceQueued
  | OccurrenceSkipped
  | OccurrenceStarted
  | OccurrenceRefused
  | OccurrenceEnded;
