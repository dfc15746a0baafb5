import type { Instant, RecordedEvent } from '@downbeat/eventsourcing';
import { ignore, type Projection, type Table } from '@downbeat/projections';
import {
  nextDueAt,
  schedule,
  type Schedule,
  type ScheduleEvent,
  type WorkflowArchived,
} from '@downbeat/saga-domain';

/** A schedule that was not deleted. */
export interface ScheduleRow {
  readonly [column: string]: unknown;
  readonly name: string;
  readonly state: Schedule;
  readonly paused_because: string | null;
  readonly next_due_at: Instant | null;
  readonly last_due_at: Instant | null;
  /** A run is to be started, or the end of one is waited for, or an occurrence waits. */
  readonly is_pending: boolean;
  readonly changed_at: Instant;
}

/** What became of one occurrence, or of a stretch of missed ones. */
export interface OccurrenceRow {
  readonly [column: string]: unknown;
  readonly id: string;
  readonly name: string;
  readonly due_at: Instant;
  readonly status: 'due' | 'queued' | 'started' | 'refused' | 'skipped' | 'missed';
  readonly workflow_id: string | null;
  readonly correlation_id: string | null;
  readonly reason: string | null;
  readonly count: number | null;
}

interface Said<Event extends ScheduleEvent> {
  readonly data: Event['data'];
}

/** The rules themselves say what a schedule is after an event; `more` is what they do not keep. */
const folded = <Event extends ScheduleEvent>(
  more: (data: Event['data']) => Partial<ScheduleRow> = () => ({}),
) => ({
  keys: ({ data }: Said<Event>) => [data.name],
  fold: (row: ScheduleRow | undefined, event: Event): ScheduleRow | undefined => {
    const { type, data } = event;
    const state = schedule.evolve(row?.state ?? schedule.initialState, {
      type,
      data,
    } as ScheduleEvent);
    if (!state.plan) return undefined;
    return {
      paused_because: row?.paused_because ?? null,
      last_due_at: row?.last_due_at ?? null,
      changed_at: row?.changed_at ?? data.at,
      ...more(data),
      name: data.name,
      state,
      next_due_at: nextDueAt(state) ?? null,
      is_pending: state.pending.length > 0 || state.queued !== undefined,
    };
  },
});

const schedules: Table<ScheduleRow, ScheduleEvent> = {
  name: 'schedule',
  key: 'name',
  columns: {
    name: 'text',
    state: 'json',
    paused_because: 'text?',
    next_due_at: 'instant?',
    last_due_at: 'instant?',
    is_pending: 'boolean',
    changed_at: 'instant',
  },
  indexes: [],
  on: {
    ScheduleSet: folded(({ at }) => ({ changed_at: at })),
    SchedulePaused: folded<Extract<ScheduleEvent, { type: 'SchedulePaused' }>>(
      ({ reason, at }) => ({ paused_because: reason, changed_at: at }),
    ),
    ScheduleResumed: folded(({ at }) => ({ paused_because: null, changed_at: at })),
    ScheduleDeleted: folded(),
    OccurrencesMissed: folded(),
    OccurrenceDue: folded<Extract<ScheduleEvent, { type: 'OccurrenceDue' }>>(({ due_at }) => ({
      last_due_at: due_at,
    })),
    OccurrenceQueued: folded(),
    OccurrenceSkipped: folded(),
    OccurrenceStarted: folded(),
    OccurrenceRefused: folded(),
    OccurrenceEnded: folded(),
  },
};

type AboutOne = Exclude<
  ScheduleEvent,
  { type: 'ScheduleSet' | 'SchedulePaused' | 'ScheduleResumed' | 'ScheduleDeleted' }
>;

const became = <Event extends AboutOne>(
  status: OccurrenceRow['status'],
  more: (data: Event['data']) => Partial<OccurrenceRow>,
) => ({
  keys: ({ data }: Said<Event>) => [`${data.name}@${data.due_at}`],
  fold: (row: OccurrenceRow | undefined, { data }: Said<Event>, id: string): OccurrenceRow => ({
    workflow_id: null,
    correlation_id: null,
    reason: null,
    count: null,
    ...row,
    id,
    name: data.name,
    due_at: data.due_at,
    status,
    ...more(data),
  }),
});

type Of<Type extends AboutOne['type']> = Extract<AboutOne, { type: Type }>;

/** Of the run of an occurrence; ids that look like one and are none name no row. */
const OCCURRENCE_ID = /^schedule:([^:]+):(.+)$/;

const occurrences: Table<OccurrenceRow, ScheduleEvent | WorkflowArchived> = {
  name: 'schedule_occurrence',
  key: 'id',
  columns: {
    id: 'text',
    name: 'text',
    due_at: 'instant',
    status: 'text',
    workflow_id: 'text?',
    correlation_id: 'text?',
    reason: 'text?',
    count: 'bigint?',
  },
  indexes: [['name', 'due_at']],
  on: {
    ScheduleSet: ignore,
    SchedulePaused: ignore,
    ScheduleResumed: ignore,
    ScheduleDeleted: ignore,
    OccurrencesMissed: became<Of<'OccurrencesMissed'>>('missed', ({ count, last_due_at }) => ({
      count,
      reason: `nobody was there to start them in time, up to ${last_due_at}`,
    })),
    OccurrenceDue: became<Of<'OccurrenceDue'>>('due', ({ correlation_id }) => ({
      correlation_id,
      reason: null,
    })),
    OccurrenceQueued: became<Of<'OccurrenceQueued'>>('queued', () => ({
      reason: 'the run before has not ended',
    })),
    OccurrenceSkipped: became<Of<'OccurrenceSkipped'>>('skipped', ({ behind }) => ({
      reason: `the run ${behind} had not ended`,
    })),
    OccurrenceStarted: became<Of<'OccurrenceStarted'>>('started', ({ workflow_id }) => ({
      workflow_id,
    })),
    OccurrenceRefused: became<Of<'OccurrenceRefused'>>('refused', ({ code, message }) => ({
      reason: `${code}: ${message}`,
    })),
    OccurrenceEnded: ignore,
    // It leaves the list with its run, which can be found by its correlation id.
    WorkflowArchived: {
      keys: ({ data }) => {
        const [, name, dueAt] = OCCURRENCE_ID.exec(data.run.correlation_id) ?? [];
        return name === undefined ? [] : [`${name}@${dueAt}`];
      },
      fold: () => undefined,
    },
  },
};

/** A schedule as it is after an event; of a deleted one too. */
export interface ScheduleSnapshotRow {
  readonly [column: string]: unknown;
  readonly name: string;
  readonly state: Schedule;
  /** Of its stream. */
  readonly version: number;
  readonly position: number;
}

const remembered = {
  keys: ({ data }: { readonly data: { readonly name: string } }) => [data.name],
  fold: (
    row: ScheduleSnapshotRow | undefined,
    { type, data, version, position }: RecordedEvent<ScheduleEvent>,
  ): ScheduleSnapshotRow => ({
    name: data.name,
    state: schedule.evolve(row?.state ?? schedule.initialState, { type, data } as ScheduleEvent),
    version,
    position,
  }),
};

/** Streams of schedules grow with every occurrence: whoever works on one begins here. */
const snapshots: Table<ScheduleSnapshotRow, ScheduleEvent> = {
  name: 'schedule_snapshot',
  key: 'name',
  columns: { name: 'text', state: 'json', version: 'bigint', position: 'bigint' },
  indexes: [],
  on: {
    ScheduleSet: remembered,
    SchedulePaused: remembered,
    ScheduleResumed: remembered,
    ScheduleDeleted: remembered,
    OccurrencesMissed: remembered,
    OccurrenceDue: remembered,
    OccurrenceQueued: remembered,
    OccurrenceSkipped: remembered,
    OccurrenceStarted: remembered,
    OccurrenceRefused: remembered,
    OccurrenceEnded: remembered,
  },
};

/** Which workflows are started when, and what became of it. */
export const schedulesProjection: Projection = {
  name: 'saga.schedules',
  version: 3,
  tables: [schedules, occurrences, snapshots],
};
