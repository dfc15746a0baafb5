import { z } from 'zod';
import { command, query } from '../contract';
import * as f from '../fields';
import { priority } from './workflow-definition';

const context = 'saga' as const;

/** The key of a run's start data under which it finds what it was started for. */
export const OCCURRENCE_KEY = 'occurrence';

export const scheduleOverlap = z.enum(['skip', 'queue', 'allow']);
export type ScheduleOverlap = z.output<typeof scheduleOverlap>;

const whatAndWhen = {
  workflow_name: f.name,
  /** Default: the latest at the moment of each start. */
  workflow_version: f.version.optional(),
  /** `minute hour day-of-month month day-of-week`, with a leading field for seconds when there are six. */
  cron: f.line(128),
  /** IANA name; an hour that a change of clocks skips is made up right after, one that comes twice counts once. */
  time_zone: f.line(64).default('UTC'),
  /** Start data of each run; `occurrence` is added to it: `{schedule, due_at}`. */
  context_data: f.jsonObject
    .refine(
      (value) => JSON.stringify(value).length <= 262_144,
      'must not be longer than 256 KiB as JSON',
    )
    .refine((value) => !Object.hasOwn(value, OCCURRENCE_KEY), `must not have the key occurrence`)
    .default({}),
  priority: priority.optional(),
  /** When the run before has not ended: leave the occurrence out, let one wait for it, or run both. */
  overlap: scheduleOverlap.default('skip'),
  /** Occurrences nobody could start in time, the suite being down, are made up for so long. */
  catch_up_minutes: z.number().min(1).max(10_080).default(10),
};

const answer = z.object({ name: f.name });

export const putSchedule = command({
  context,
  name: 'PutSchedule',
  summary: 'Start a workflow again and again, at the times of a cron expression',
  idField: 'name',
  data: z.strictObject({ name: f.name, ...whatAndWhen }),
  answer,
  example: {
    name: 'count-stock-nightly',
    workflow_name: 'count-stock',
    cron: '30 2 * * *',
    time_zone: 'Europe/Berlin',
    context_data: { warehouse: 'north' },
  },
  http: { method: 'PUT', path: '/schedules/{name}' },
});

export const pauseSchedule = command({
  context,
  name: 'PauseSchedule',
  summary: 'Start no run until the schedule is resumed; what comes due meanwhile is left out',
  idField: 'name',
  data: z.strictObject({ name: f.name, reason: f.line(500) }),
  answer,
  example: { name: 'count-stock-nightly', reason: 'the warehouse is being moved' },
  http: { method: 'POST', path: '/schedules/{name}/pause' },
});

export const resumeSchedule = command({
  context,
  name: 'ResumeSchedule',
  summary: 'Start runs again, from the next occurrence on',
  idField: 'name',
  data: z.strictObject({ name: f.name }),
  answer,
  example: { name: 'count-stock-nightly' },
  http: { method: 'POST', path: '/schedules/{name}/resume' },
});

export const deleteSchedule = command({
  context,
  name: 'DeleteSchedule',
  summary: 'Forget a schedule; runs that it started go on',
  idField: 'name',
  data: z.strictObject({ name: f.name }),
  answer,
  example: { name: 'count-stock-nightly' },
  http: { method: 'DELETE', path: '/schedules/{name}' },
});

export const triggerSchedule = command({
  context,
  name: 'TriggerSchedule',
  summary: 'Start a run of a schedule now, even of a paused one',
  idField: 'name',
  data: z.strictObject({ name: f.name }),
  answer: z.object({ name: f.name, correlation_id: f.externalId }),
  example: { name: 'count-stock-nightly' },
  http: { method: 'POST', path: '/schedules/{name}/trigger' },
});

const schedule = z.object({
  name: f.name,
  ...whatAndWhen,
  is_paused: z.boolean(),
  paused_because: z.string().optional(),
  /** Absent while it is paused, and when no further moment fits. */
  next_due_at: f.instant.optional(),
  last_due_at: f.instant.optional(),
  changed_at: f.instant,
});

export const listSchedules = query({
  context,
  name: 'list-schedules',
  summary: 'Schedules by name, and when each is due next',
  input: z.strictObject({ limit: f.pageLimit, cursor: f.cursor }),
  answer: z.object({
    /** Without `context_data`: of many together it would be too long for one answer. */
    schedules: z.array(schedule.omit({ context_data: true })),
    next_cursor: f.nextCursor,
  }),
  http: { method: 'GET', path: '/schedules' },
});

export const getSchedule = query({
  context,
  name: 'get-schedule',
  summary: 'One schedule, its next due moments, and what became of its occurrences, newest first',
  input: z.strictObject({ name: f.name, limit: f.pageLimit, cursor: f.cursor }),
  answer: z.object({
    schedule,
    /** The next five. */
    upcoming: z.array(f.instant),
    occurrences: z.array(
      z.object({
        due_at: f.instant,
        status: z.enum(['due', 'queued', 'started', 'refused', 'skipped', 'missed']),
        workflow_id: z.uuid().optional(),
        correlation_id: f.externalId.optional(),
        /** Why there is no run. */
        reason: z.string().optional(),
        /** How many were left out from `due_at` on. */
        count: z.number().int().optional(),
      }),
    ),
    next_cursor: f.nextCursor,
  }),
  http: { method: 'GET', path: '/schedules/{name}' },
});

export const scheduleCommands = [
  putSchedule,
  pauseSchedule,
  resumeSchedule,
  deleteSchedule,
  triggerSchedule,
] as const;
export const scheduleQueries = [listSchedules, getSchedule] as const;
