import { schedule, type ScheduleCommand, type ScheduleEvent } from '@downbeat/saga-domain';
import { DeciderReplay } from './decider-replay';
import type { Replayer } from './replayer';

/** Moments are computed anew: a time zone whose rules were changed since shows as a difference. */
export const scheduleReplayer: Replayer = {
  context: 'saga',
  begin: () => new DeciderReplay(schedule, ([event]) => event && causeOf(event)),
};

function causeOf({ type, data }: ScheduleEvent): ScheduleCommand {
  const { name, at } = data;
  switch (type) {
    case 'ScheduleSet':
      return { type: 'PutSchedule', data: { name, ...data.plan }, at };
    case 'SchedulePaused':
      return { type: 'PauseSchedule', data: { name, reason: data.reason }, at };
    case 'ScheduleResumed':
      return { type: 'ResumeSchedule', data: { name }, at };
    case 'ScheduleDeleted':
      return { type: 'DeleteSchedule', data: { name }, at };
    case 'OccurrenceDue':
      return { type: data.is_asked_for ? 'TriggerSchedule' : 'Tick', data: { name }, at };
    case 'OccurrencesMissed':
    case 'OccurrenceQueued':
    case 'OccurrenceSkipped':
      return { type: 'Tick', data: { name }, at };
    case 'OccurrenceStarted': {
      const { due_at, workflow_id } = data;
      return { type: 'RecordStart', data: { name, due_at, workflow_id }, at };
    }
    case 'OccurrenceRefused': {
      const { due_at, code, message } = data;
      return { type: 'RecordRefusal', data: { name, due_at, code, message }, at };
    }
    case 'OccurrenceEnded': {
      const { due_at, status } = data;
      return { type: 'RecordEnd', data: { name, due_at, status }, at };
    }
  }
}
