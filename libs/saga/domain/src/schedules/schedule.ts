import type { DataOf, sagaContract } from '@downbeat/contracts';
import {
  epochMs,
  instantOf,
  Rejection,
  streamName,
  type Command,
  type Decider,
  type Instant,
  type StreamName,
} from '@downbeat/eventsourcing';
import { canonicalJson } from '../definition/canonical-json';
import type { RunStatus } from '../run/state';
import { momentsAfter, whyNoTimetable } from './cron';
import type {
  OccurrencesMissed,
  ScheduleEvent,
  SchedulePlan,
  ScheduleSet,
} from './schedule-events';

/** No tick decides on more at once; the next one goes on. */
export const OCCURRENCES_PER_TICK = 100;
const MISSED_PER_TICK = 1_000;
/** Runs that may overlap and cannot be started for now: no more are kept for later. */
export const PENDING_MAX = 100;

type Named = { readonly name: string };

export type ScheduleCommand =
  | Command<'PutSchedule', DataOf<typeof sagaContract.putSchedule>>
  | Command<'PauseSchedule', DataOf<typeof sagaContract.pauseSchedule>>
  | Command<'ResumeSchedule', Named>
  | Command<'DeleteSchedule', Named>
  | Command<'TriggerSchedule', Named>
  /** Decides on everything that has come due. */
  | Command<'Tick', Named>
  | Command<'RecordStart', Named & { readonly due_at: Instant; readonly workflow_id: string }>
  | Command<
      'RecordRefusal',
      Named & { readonly due_at: Instant; readonly code: string; readonly message: string }
    >
  | Command<'RecordEnd', Named & { readonly due_at: Instant; readonly status: RunStatus }>;

/** An occurrence whose run is to be started, or has not ended as far as is recorded. */
export interface PendingOccurrence {
  readonly due_at: Instant;
  readonly correlation_id: string;
  readonly is_started: boolean;
}

export interface Schedule {
  /** Absent: there is none of this name, or it was deleted. */
  readonly plan: SchedulePlan | undefined;
  readonly isPaused: boolean;
  /** What came due up to here is decided. */
  readonly decidedUpTo: Instant;
  readonly pending: readonly PendingOccurrence[];
  /** Waits for the end of what is pending. */
  readonly queued: Instant | undefined;
}

export const scheduleStream = (name: string): StreamName => streamName('schedule', name);

/** The id that makes an occurrence's run unique, however often its start is tried. */
export const occurrenceId = (name: string, dueAt: Instant): string => `schedule:${name}:${dueAt}`;

/** A workflow that is started again and again. Time comes in with the commands. */
export const schedule: Decider<Schedule, ScheduleCommand, ScheduleEvent> = {
  initialState: {
    plan: undefined,
    isPaused: false,
    decidedUpTo: instantOf(0),
    pending: [],
    queued: undefined,
  },
  decide,
  evolve,
};

/** When it has to be looked at next; undefined while it is paused or when no moment fits any more. */
export function nextDueAt({ plan, isPaused, decidedUpTo }: Schedule): Instant | undefined {
  return plan && !isPaused ? momentsAfter(plan, decidedUpTo, 1)[0] : undefined;
}

function decide(command: ScheduleCommand, state: Schedule): readonly ScheduleEvent[] | Rejection {
  const { name } = command.data;
  const { at } = command;
  if (command.type === 'PutSchedule') return put(command.data, at, state);
  const { plan } = state;
  if (!plan) return new Rejection('schedule-unknown', `there is no schedule ${name}`, 'not-found');
  switch (command.type) {
    case 'PauseSchedule':
      if (state.isPaused) return [];
      return [{ type: 'SchedulePaused', data: { name, reason: command.data.reason, at } }];
    case 'ResumeSchedule':
      return state.isPaused ? [{ type: 'ScheduleResumed', data: { name, at } }] : [];
    case 'DeleteSchedule':
      return [{ type: 'ScheduleDeleted', data: { name, at } }];
    case 'TriggerSchedule':
      return trigger(name, at, plan, state);
    case 'Tick':
      return tick(name, at, plan, state);
    case 'RecordStart': {
      const { due_at, workflow_id } = command.data;
      if (!isOwed(state, due_at)) return [];
      return [{ type: 'OccurrenceStarted', data: { name, due_at, workflow_id, at } }];
    }
    case 'RecordRefusal': {
      const { due_at, code, message } = command.data;
      if (!isOwed(state, due_at)) return [];
      return [{ type: 'OccurrenceRefused', data: { name, due_at, code, message, at } }];
    }
    case 'RecordEnd': {
      const { due_at, status } = command.data;
      if (!state.pending.some((one) => one.due_at === due_at && one.is_started)) return [];
      return [{ type: 'OccurrenceEnded', data: { name, due_at, status, at } }];
    }
  }
}

function put(
  { name, ...plan }: DataOf<typeof sagaContract.putSchedule>,
  at: Instant,
  state: Schedule,
): readonly ScheduleEvent[] | Rejection {
  const refusal = whyNoTimetable(plan, at);
  if (refusal)
    return new Rejection('invalid-schedule', `${refusal.field} ${refusal.message}`, 'invalid', [
      refusal,
    ]);
  if (state.plan && canonicalJson(state.plan) === canonicalJson(plan)) return [];
  return [{ type: 'ScheduleSet', data: { name, plan, at } }];
}

function trigger(
  name: string,
  at: Instant,
  plan: SchedulePlan,
  state: Schedule,
): readonly ScheduleEvent[] | Rejection {
  const [before] = state.pending;
  if (before && !mayJoin(plan, state))
    return new Rejection('schedule-busy', `the run ${before.correlation_id} has not ended`);
  if (state.pending.some(({ due_at }) => due_at === at)) return [];
  const correlation_id = occurrenceId(name, at);
  return [
    { type: 'OccurrenceDue', data: { name, due_at: at, correlation_id, is_asked_for: true, at } },
  ];
}

function tick(
  name: string,
  at: Instant,
  plan: SchedulePlan,
  state: Schedule,
): readonly ScheduleEvent[] {
  const events: ScheduleEvent[] = [];
  let next = state;
  const record = (event: ScheduleEvent): void => {
    events.push(event);
    next = evolve(next, event);
  };
  const due = (due_at: Instant): void =>
    record({
      type: 'OccurrenceDue',
      data: { name, due_at, correlation_id: occurrenceId(name, due_at), at },
    });

  if (next.queued !== undefined && next.pending.length === 0) due(next.queued);
  if (next.isPaused) return events;
  const tooOld = missed(name, at, plan, next);
  tooOld.forEach(record);
  // There may be more of them, which the next tick has to leave out as well.
  if (tooOld.some(({ data }) => data.count === MISSED_PER_TICK)) return events;
  for (const due_at of momentsAfter(plan, next.decidedUpTo, OCCURRENCES_PER_TICK, at)) {
    const [before] = next.pending;
    if (!before || mayJoin(plan, next)) due(due_at);
    else if (plan.overlap === 'queue' && next.queued === undefined)
      record({ type: 'OccurrenceQueued', data: { name, due_at, at } });
    else
      record({
        type: 'OccurrenceSkipped',
        data: { name, due_at, behind: before.correlation_id, at },
      });
  }
  return events;
}

/** What is too old to be made up, as one fact. */
function missed(
  name: string,
  at: Instant,
  plan: SchedulePlan,
  { decidedUpTo }: Schedule,
): readonly OccurrencesMissed[] {
  const tooOld = instantOf(epochMs(at) - plan.catch_up_minutes * 60_000 - 1);
  const moments = momentsAfter(plan, decidedUpTo, MISSED_PER_TICK, tooOld);
  const [due_at] = moments;
  const last_due_at = moments.at(-1);
  if (due_at === undefined || last_due_at === undefined) return [];
  const count = moments.length;
  return [{ type: 'OccurrencesMissed', data: { name, due_at, last_due_at, count, at } }];
}

const mayJoin = ({ overlap }: SchedulePlan, { pending }: Schedule): boolean =>
  overlap === 'allow' && pending.length < PENDING_MAX;

const isOwed = ({ pending }: Schedule, dueAt: Instant): boolean =>
  pending.some(({ due_at, is_started }) => due_at === dueAt && !is_started);

function evolve(state: Schedule, { type, data }: ScheduleEvent): Schedule {
  switch (type) {
    case 'ScheduleSet':
      return set(state, data);
    case 'SchedulePaused':
      return { ...state, isPaused: true, queued: undefined };
    case 'ScheduleResumed':
      return { ...state, isPaused: false, decidedUpTo: later(state.decidedUpTo, data.at) };
    case 'ScheduleDeleted':
      return { ...state, plan: undefined, isPaused: false, pending: [], queued: undefined };
    case 'OccurrencesMissed':
      return { ...state, decidedUpTo: data.last_due_at };
    case 'OccurrenceDue': {
      const { due_at, correlation_id, is_asked_for = false } = data;
      return {
        ...state,
        decidedUpTo: is_asked_for ? state.decidedUpTo : later(state.decidedUpTo, due_at),
        pending: [...state.pending, { due_at, correlation_id, is_started: false }],
        queued: state.queued === due_at ? undefined : state.queued,
      };
    }
    case 'OccurrenceQueued':
      return { ...state, decidedUpTo: data.due_at, queued: data.due_at };
    case 'OccurrenceSkipped':
      return { ...state, decidedUpTo: data.due_at };
    case 'OccurrenceStarted':
      return { ...state, pending: started(state, data.due_at) };
    case 'OccurrenceRefused':
    case 'OccurrenceEnded':
      return { ...state, pending: without(state, data.due_at) };
  }
}

/** Another timetable counts from now on; what is under way goes on. */
function set(state: Schedule, { plan, at }: ScheduleSet['data']): Schedule {
  const { pending } = state;
  // The clock of another replica may be a little behind.
  const decidedUpTo = later(state.decidedUpTo, at);
  // Where runs may overlap, none is waited for.
  if (plan.overlap !== 'allow') return { ...state, plan, decidedUpTo };
  const unstarted = pending.filter(({ is_started }) => !is_started);
  return { ...state, plan, decidedUpTo, pending: unstarted, queued: undefined };
}

/** Where runs may overlap, nobody has to know when one ends. */
const started = (state: Schedule, dueAt: Instant): readonly PendingOccurrence[] =>
  state.plan?.overlap === 'allow'
    ? without(state, dueAt)
    : state.pending.map((one) => (one.due_at === dueAt ? { ...one, is_started: true } : one));

const without = ({ pending }: Schedule, dueAt: Instant): readonly PendingOccurrence[] =>
  pending.filter(({ due_at }) => due_at !== dueAt);

const later = (one: Instant, other: Instant): Instant => (one > other ? one : other);
