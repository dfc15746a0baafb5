import { countsOf, ignore, type Projection, type Table } from '@downbeat/projections';
import type { Instant } from '@downbeat/eventsourcing';
import type {
  DefinitionControlEvent,
  RunEvent,
  RunRetried,
  WorkflowDefinitionRegistered,
  WorkflowPaused,
} from '@downbeat/saga-domain';
import { rowOf, workflowArchive } from './archive.table';

/** Who pauses and resumes runs with their definition. */
export const WITH_DEFINITION_ACTOR = 'saga-definitions';

/** What the list of runs shows; the details of one are read from its own events. */
export interface WorkflowRow {
  readonly [column: string]: unknown;
  readonly id: string;
  readonly workflow_name: string;
  readonly workflow_version: string;
  readonly correlation_id: string;
  readonly wedding_id: string | null;
  readonly initiating_service: string;
  readonly current_status: string;
  readonly current_step: number;
  readonly total_steps: number;
  readonly needs_attention: boolean;
  readonly paused: boolean;
  /** Not by a person. */
  readonly paused_with_definition: boolean;
  /** Where it was last resumed, other than with its definition. */
  readonly resumed_position: number | null;
  readonly started_at: Instant;
  readonly completed_at: Instant | null;
  /** Position of its first event; newest first is by this. */
  readonly started_position: number;
  /** Of the event that made this row: its first one, or the one that took it from the archive. */
  readonly listed_position: number;
}

/** A change of some columns of a run's row by one of its events. */
const change = <Data>(how: (data: Data) => Partial<WorkflowRow>) => ({
  keys: ({ stream }: { readonly stream: string }) => [stream.slice('workflow-'.length)],
  fold: (row: WorkflowRow | undefined, { data }: { readonly data: Data }) =>
    row && { ...row, ...how(data) },
});

const reached = change(({ place }: { readonly place: number }) => ({ current_step: place }));
const ended = (current_status: string) =>
  change(({ at }: { readonly at: Instant }) => ({
    current_status,
    completed_at: at,
    needs_attention: false,
  }));

const workflow: Table<WorkflowRow, RunEvent> = {
  name: 'workflow',
  key: 'id',
  columns: {
    id: 'text',
    workflow_name: 'text',
    workflow_version: 'text',
    correlation_id: 'text',
    wedding_id: 'text?',
    initiating_service: 'text',
    current_status: 'text',
    current_step: 'bigint',
    total_steps: 'bigint',
    needs_attention: 'boolean',
    paused: 'boolean',
    paused_with_definition: 'boolean',
    resumed_position: 'bigint?',
    started_at: 'instant',
    completed_at: 'instant?',
    started_position: 'bigint',
    listed_position: 'bigint',
  },
  indexes: [
    ['started_position'],
    ['current_status', 'started_position'],
    ['correlation_id'],
    ['workflow_name', 'current_status', 'completed_at'],
    ['paused', 'workflow_name'],
  ],
  on: {
    WorkflowStarted: {
      keys: ({ data }) => [data.workflow_id],
      fold: (_, { data, position }) => ({
        id: data.workflow_id,
        workflow_name: data.workflow_name,
        workflow_version: data.workflow_version,
        correlation_id: data.correlation_id,
        wedding_id: data.wedding_id ?? null,
        initiating_service: data.initiating_service,
        current_status: 'running',
        current_step: 0,
        total_steps: data.total_steps,
        needs_attention: false,
        paused: false,
        paused_with_definition: false,
        resumed_position: null,
        started_at: data.at,
        completed_at: null,
        started_position: position,
        listed_position: position,
      }),
    },
    StepStarted: reached,
    StepSkipped: reached,
    DecisionTaken: reached,
    ParallelStarted: reached,
    MapStarted: reached,
    DelayStarted: reached,
    SignalAwaited: reached,
    EventPublished: reached,
    StepFailed: reached,
    CompensationStarted: change(() => ({
      current_status: 'compensating',
      needs_attention: false,
      completed_at: null,
    })),
    UndoParked: change(() => ({ needs_attention: true })),
    IncidentOpened: change(() => ({ needs_attention: true })),
    IncidentResolved: change(() => ({ needs_attention: false })),
    UndoRetried: change(() => ({ needs_attention: false })),
    RunRetried: change(({ timeout_at }: RunRetried['data']) => ({
      needs_attention: false,
      ...(timeout_at === undefined ? {} : { current_status: 'running', completed_at: null }),
    })),
    WorkflowPaused: change(({ definition_pause }: WorkflowPaused['data']) => ({
      paused: true,
      paused_with_definition: definition_pause !== undefined,
    })),
    WorkflowResumed: {
      keys: ({ stream }) => [stream.slice('workflow-'.length)],
      fold: (row, { meta, position }) =>
        row && {
          ...row,
          paused: false,
          paused_with_definition: false,
          resumed_position: meta.actor === WITH_DEFINITION_ACTOR ? row.resumed_position : position,
        },
    },
    WorkflowMigrated: {
      keys: ({ stream }) => [stream.slice('workflow-'.length)],
      fold: (row, { data: { to_version, total_steps, place } }) =>
        row && {
          ...row,
          workflow_version: to_version,
          total_steps,
          current_step: place ?? Math.min(row.current_step, total_steps),
        },
    },
    WorkflowCompleted: {
      keys: ({ stream }) => [stream.slice('workflow-'.length)],
      fold: (row, { data }) =>
        row && {
          ...row,
          current_status: 'completed',
          current_step: row.total_steps,
          completed_at: data.at,
        },
    },
    WorkflowFailed: ended('failed'),
    WorkflowCompensated: ended('compensated'),
    WorkflowArchived: {
      keys: ({ data }) => [data.run.workflow_id],
      fold: () => undefined,
    },
    WorkflowRestored: {
      keys: ({ data }) => [data.run.workflow_id],
      fold: (_, { data, position }) => ({
        ...rowOf(data.run),
        needs_attention: false,
        paused: false,
        paused_with_definition: false,
        resumed_position: null,
        listed_position: position,
      }),
    },
    WorkflowPurged: ignore,
    StepRetried: ignore,
    StepAttemptFailed: ignore,
    CallHeld: ignore,
    CallReleased: ignore,
    StepCompleted: ignore,
    ParallelCompleted: ignore,
    MapItemStarted: ignore,
    MapItemCompleted: ignore,
    MapItemFailed: ignore,
    MapCompleted: ignore,
    RaceWon: ignore,
    RaceUndoStarted: ignore,
    GroupFailed: ignore,
    DelayElapsed: ignore,
    SignalReceived: ignore,
    SignalTaken: ignore,
    SignalMissed: ignore,
    WaitAbandoned: ignore,
    ParentTold: ignore,
    WorkflowTimedOut: ignore,
    CompensationRequested: ignore,
    UndoStarted: ignore,
    UndoAttemptFailed: ignore,
    StepCompensated: ignore,
  },
};

interface DefinitionRow {
  readonly [column: string]: unknown;
  readonly key: string;
  readonly name: string;
  readonly version: string;
  readonly checksum: string;
  readonly definition: unknown;
  readonly registered_at: Instant;
}

const definition: Table<DefinitionRow, WorkflowDefinitionRegistered> = {
  name: 'workflow_definition',
  key: 'key',
  columns: {
    key: 'text',
    name: 'text',
    version: 'text',
    checksum: 'text',
    definition: 'json',
    registered_at: 'instant',
  },
  indexes: [['name']],
  on: {
    WorkflowDefinitionRegistered: {
      keys: ({ data }) => [`${data.name} ${data.version}`],
      fold: (_, { data, recorded_at }) => ({
        key: `${data.name} ${data.version}`,
        name: data.name,
        version: data.version,
        checksum: data.checksum,
        definition: data.definition,
        registered_at: recorded_at,
      }),
    },
  },
};

/** What operators have said of a workflow; one that nobody spoke of has no row. */
export interface DefinitionControlRow {
  readonly [column: string]: unknown;
  readonly name: string;
  readonly is_paused: boolean;
  readonly reason: string | null;
  readonly runs: string | null;
  readonly pause_no: number;
  /** Where it was said. */
  readonly said_position: number;
}

const control: Table<DefinitionControlRow, DefinitionControlEvent> = {
  name: 'definition_control',
  key: 'name',
  columns: {
    name: 'text',
    is_paused: 'boolean',
    reason: 'text?',
    runs: 'text?',
    pause_no: 'bigint',
    said_position: 'bigint',
  },
  indexes: [],
  on: {
    DefinitionPaused: {
      keys: ({ data }) => [data.workflow_name],
      fold: (_, { data: { workflow_name: name, reason, runs, pause_no }, position }) => ({
        name,
        is_paused: true,
        reason,
        runs,
        pause_no,
        said_position: position,
      }),
    },
    DefinitionResumed: {
      keys: ({ data }) => [data.workflow_name],
      fold: (_, { data: { workflow_name: name, pause_no }, position }) => ({
        name,
        is_paused: false,
        reason: null,
        runs: null,
        pause_no,
        said_position: position,
      }),
    },
  },
};

/** Runs as lists, at work and archived, the definitions they can be started with, and which are paused. */
export const workflows: Projection = {
  name: 'saga.workflows',
  version: 5,
  tables: [
    workflow,
    workflowArchive,
    countsOf('workflow_count', workflow, ['workflow_name', 'current_status']),
    countsOf('workflow_archive_count', workflowArchive, ['workflow_name', 'current_status']),
    definition,
    control,
  ],
};
