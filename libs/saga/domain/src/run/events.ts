import type { Priority } from '@downbeat/contracts';
import type { Instant, Json, JsonObject, Message } from '@downbeat/eventsourcing';

/** How sure it is that a call had no effect. `unusable`: it had one, but its answer cannot be mapped. */
export type Certainty = 'failed' | 'unknown';
export type StepOutcome = Certainty | 'unusable';

export type CompensationStrategy = 'all' | 'partial' | 'none' | 'custom';

/** What stands in the context as `errors.<step>`. */
export interface CaughtError {
  readonly [field: string]: string | number;
  readonly outcome: StepOutcome;
  /** `timeout`, `connection`, `4xx` and the like; `sub_workflow`; `input`: it was never called; `unusable`. */
  readonly class: string;
  readonly message: string;
  readonly attempts: number;
}

/** A failed call, as it was reported, and whether there will be another one. */
export interface FailedCall {
  readonly step: string;
  readonly attempt: number;
  readonly kind: 'answer' | 'refused' | 'broken' | 'timeout';
  readonly status?: number;
  readonly message: string;
  readonly retry_after_ms?: number;
  readonly reissued: boolean;
  readonly outcome: Certainty;
  /** When the next call is due; absent when this was the last one. */
  readonly retry_at?: Instant;
  /** The rule of the retry policy that governs it, from 0; absent: the policy itself does. */
  readonly rule?: number;
  /** The random share of that delay. */
  readonly chance: number;
  readonly at: Instant;
}

/** The run that this run is a step of. */
export interface ParentRun {
  readonly workflow_id: string;
  /** The step's address there. */
  readonly step: string;
  /** 1 for the child of a run that has no parent. */
  readonly depth: number;
  /** The step's attempt that it was started for; absent: the first. */
  readonly attempt?: number;
  /** The parent's: no child has more time. */
  readonly timeout_at: Instant;
}

export type WorkflowStarted = Message<
  'WorkflowStarted',
  {
    readonly workflow_id: string;
    readonly workflow_name: string;
    readonly workflow_version: string;
    readonly checksum: string;
    /** The rules it is decided by; absent: the first ones. */
    readonly rules?: number;
    readonly correlation_id: string;
    readonly wedding_id?: string;
    readonly initiating_service: string;
    readonly parent?: ParentRun;
    readonly context_data: JsonObject;
    readonly compensation_strategy: CompensationStrategy;
    /** As asked for at the start, when it differs from the definition's. */
    readonly timeout_minutes?: number;
    readonly timeout_at: Instant;
    readonly total_steps: number;
    /** Absent: `normal`. */
    readonly priority?: Priority;
    /** What limits per key count the run's calls under: a tenant, a venue. */
    readonly limit_key?: string;
    readonly at: Instant;
  }
>;

/** The branch that a failure stays in, of the step around it; without one the run halts. */
export interface Within {
  readonly step: string;
  readonly branch: string;
}

/** The parent of a run has recorded its end. */
export type ParentTold = Message<'ParentTold', { readonly ends: number; readonly at: Instant }>;

/** The first call is about to be made. `place`: of the step in the definition, from 1. */
export type StepStarted = Message<
  'StepStarted',
  {
    readonly step: string;
    readonly place: number;
    readonly input: JsonObject;
    readonly attempt: number;
    readonly at: Instant;
  }
>;
/** A further call is about to be made. `input`: another one, after an edit, with a key of its own. */
export type StepRetried = Message<
  'StepRetried',
  {
    readonly step: string;
    readonly attempt: number;
    readonly input?: JsonObject;
    readonly at: Instant;
  }
>;
export type StepAttemptFailed = Message<'StepAttemptFailed', FailedCall>;
/** Why a call waits in the engine, unsent. */
export type HeldBecause =
  'target-paused' | 'breaker-open' | 'concurrency-limit' | 'rate-limit' | 'key-limit';
/** The call has not been sent by this process, and waits until its target may be called. */
export type CallHeld = Message<
  'CallHeld',
  {
    readonly purpose: 'step' | 'undo';
    readonly step: string;
    readonly attempt: number;
    readonly because: HeldBecause;
    /** An earlier process may have sent it, so that the step stays in doubt. */
    readonly reissued?: true;
    readonly at: Instant;
  }
>;
/** A call that was held is about to be sent. */
export type CallReleased = Message<
  'CallReleased',
  {
    readonly purpose: 'step' | 'undo';
    readonly step: string;
    readonly attempt: number;
    readonly at: Instant;
  }
>;
export type StepCompleted = Message<
  'StepCompleted',
  {
    readonly step: string;
    readonly attempt: number;
    readonly reissued: boolean;
    readonly output: Json;
    /** The keys of the context it changed. */
    readonly context: JsonObject;
    /** Of a branch of a race or an item of a map: whose own context. */
    readonly scope?: string;
    readonly at: Instant;
  }
>;
/** No more calls. `attempts` 0: it was never called. */
export type StepFailed = Message<
  'StepFailed',
  {
    readonly step: string;
    readonly place: number;
    readonly outcome: StepOutcome;
    /** The run goes on all the same. */
    readonly optional: boolean;
    readonly message: string;
    readonly attempts: number;
    /** The step's `on_error` caught it: the run goes on there. */
    readonly caught?: { readonly goto: string; readonly error: CaughtError };
    /** It failed for sure, and is undone all the same: its definition says so. */
    readonly undo?: true;
    /** With `unusable`: the answer that could not be mapped. */
    readonly output?: Json;
    /** With `unusable`: the answer was too large to be kept; the message says so. */
    readonly oversized?: true;
    readonly reissued?: boolean;
    readonly within?: Within;
    readonly scope?: string;
    readonly at: Instant;
  }
>;
export type StepSkipped = Message<
  'StepSkipped',
  {
    readonly step: string;
    readonly place: number;
    /** `condition`: it was false. `passed-over`: an operator went on behind a step that failed. */
    readonly reason: 'condition' | 'passed-over';
    /** The values the condition read. */
    readonly input: JsonObject;
    readonly goto: string;
    readonly at: Instant;
  }
>;
export type DecisionTaken = Message<
  'DecisionTaken',
  {
    readonly step: string;
    readonly place: number;
    /** The case that held, from 0; absent when none did. */
    readonly case?: number;
    readonly when?: string;
    readonly goto: string;
    /** The values the cases read. */
    readonly input: JsonObject;
    readonly at: Instant;
  }
>;
export type ParallelStarted = Message<
  'ParallelStarted',
  {
    readonly step: string;
    readonly place: number;
    /** Absent: `all`. */
    readonly join?: 'settle' | 'race';
    readonly scope?: string;
    readonly at: Instant;
  }
>;
export type ParallelCompleted = Message<
  'ParallelCompleted',
  { readonly step: string; readonly at: Instant }
>;
export type MapStarted = Message<
  'MapStarted',
  {
    readonly step: string;
    readonly place: number;
    readonly items: readonly Json[];
    readonly scope?: string;
    readonly at: Instant;
  }
>;
export type MapItemStarted = Message<
  'MapItemStarted',
  {
    readonly step: string;
    readonly index: number;
    /** The item under its name. */
    readonly context: JsonObject;
    readonly at: Instant;
  }
>;
export type MapItemCompleted = Message<
  'MapItemCompleted',
  {
    readonly step: string;
    readonly index: number;
    /** What `collect` took of it. */
    readonly result: JsonObject;
    readonly at: Instant;
  }
>;
/** Its steps are done, and what is to be collected of it cannot be. */
export type MapItemFailed = Message<
  'MapItemFailed',
  {
    readonly step: string;
    readonly index: number;
    readonly message: string;
    readonly within?: Within;
    readonly at: Instant;
  }
>;
export type MapCompleted = Message<
  'MapCompleted',
  {
    readonly step: string;
    /** A list of what was collected for each key, in the order of the items. */
    readonly context: JsonObject;
    readonly scope?: string;
    readonly at: Instant;
  }
>;
/** The first branch of a race has completed; the others are cancelled. */
export type RaceWon = Message<
  'RaceWon',
  {
    readonly step: string;
    readonly branch: string;
    /** What the winner wrote. */
    readonly context: JsonObject;
    readonly scope?: string;
    readonly at: Instant;
  }
>;
/** What the losers have done is undone before the run goes on behind the race. */
export type RaceUndoStarted = Message<
  'RaceUndoStarted',
  {
    readonly step: string;
    /** What will be undone, in this order. */
    readonly steps: readonly string[];
    readonly at: Instant;
  }
>;
/** All branches or items are done, and it failed with the first failure. */
export type GroupFailed = Message<
  'GroupFailed',
  {
    readonly step: string;
    readonly reason: string;
    /** The step that failed first. */
    readonly failed_step?: string;
    readonly within?: Within;
    readonly at: Instant;
  }
>;
export type DelayStarted = Message<
  'DelayStarted',
  { readonly step: string; readonly place: number; readonly until: Instant; readonly at: Instant }
>;
export type DelayElapsed = Message<'DelayElapsed', { readonly step: string; readonly at: Instant }>;
/** Told to everybody who listens, under the number that its place in the log gives it. */
export type EventPublished = Message<
  'EventPublished',
  {
    readonly step: string;
    readonly place: number;
    readonly workflow_name: string;
    readonly event: string;
    readonly payload: JsonObject;
    readonly at: Instant;
  }
>;
/** A step waits for a signal; without `until` as long as the workflow's time-out allows. */
export type SignalAwaited = Message<
  'SignalAwaited',
  {
    readonly step: string;
    readonly place: number;
    readonly signal: string;
    readonly until?: Instant;
    readonly at: Instant;
  }
>;
/** It came, whether somebody waits for it or not. */
export type SignalReceived = Message<
  'SignalReceived',
  { readonly signal: string; readonly payload: Json; readonly at: Instant }
>;
/** The oldest one of that name, by the step that waited. */
export type SignalTaken = Message<
  'SignalTaken',
  {
    readonly step: string;
    readonly signal: string;
    readonly payload: Json;
    /** The keys of the context it changed. */
    readonly context: JsonObject;
    readonly scope?: string;
    readonly at: Instant;
  }
>;
/** It did not come in time. The step goes on with its default, if it has one. */
export type SignalMissed = Message<
  'SignalMissed',
  {
    readonly step: string;
    readonly default?: Json;
    /** The keys of the context that the default changed. */
    readonly context: JsonObject;
    readonly scope?: string;
    readonly at: Instant;
  }
>;
/** A retry, a delay or a signal is not waited for any longer, because the run is ending. */
export type WaitAbandoned = Message<
  'WaitAbandoned',
  { readonly step: string; readonly timer_id: string; readonly at: Instant }
>;

export type WorkflowTimedOut = Message<'WorkflowTimedOut', { readonly at: Instant }>;
export type CompensationRequested = Message<
  'CompensationRequested',
  {
    readonly reason: string;
    readonly strategy: CompensationStrategy;
    readonly custom_steps?: readonly string[];
    readonly to_savepoint?: string;
    /** The run that it is a step of undoes that step. */
    readonly for_parent?: true;
    readonly at: Instant;
  }
>;
export type CompensationStarted = Message<
  'CompensationStarted',
  {
    readonly reason: string;
    readonly strategy: CompensationStrategy;
    /** What came after it is undone. */
    readonly to_savepoint?: string;
    /** What will be undone, in this order. */
    readonly steps: readonly string[];
    readonly at: Instant;
  }
>;
export type UndoStarted = Message<
  'UndoStarted',
  {
    readonly step: string;
    readonly input: JsonObject;
    readonly attempt: number;
    /** Another request than before, with a key of its own: the attempt since which it is. */
    readonly edition?: number;
    readonly at: Instant;
  }
>;
export type UndoRetried = Message<
  'UndoRetried',
  { readonly step: string; readonly attempt: number; readonly at: Instant }
>;
export type UndoAttemptFailed = Message<'UndoAttemptFailed', FailedCall>;
export type StepCompensated = Message<
  'StepCompensated',
  {
    readonly step: string;
    readonly attempt: number;
    readonly reissued: boolean;
    readonly output: Json;
    readonly at: Instant;
  }
>;
/** What the run waits for a person with: an undo that keeps failing, or one whose input cannot be formed. */
export type IncidentKind = 'undo_failed' | 'undo_input';
/** Nothing happens by itself any more until a person resolves it. */
export type IncidentOpened = Message<
  'IncidentOpened',
  {
    /** `<run>:<step>:<n>`, n from 1 over the incidents of the run. */
    readonly incident_id: string;
    readonly workflow_name: string;
    readonly step: string;
    readonly kind: IncidentKind;
    readonly message: string;
    readonly attempts: number;
    readonly at: Instant;
  }
>;
/**
 * `skip`: the effect stands. `done_by_hand`: a person has undone it. Who: the actor of the event.
 * `overtaken`: nobody said anything; the run is ending, and its own compensation decides.
 */
export type IncidentAction = 'retry' | 'skip' | 'done_by_hand' | 'overtaken';
export type IncidentResolved = Message<
  'IncidentResolved',
  {
    readonly incident_id: string;
    readonly step: string;
    readonly action: IncidentAction;
    readonly reason?: string;
    /** Of a retry: those of its budget; absent: as the policy says. */
    readonly max_retries?: number;
    readonly at: Instant;
  }
>;
/** What runs under the first rules have in the place of `IncidentOpened`. */
export type UndoParked = Message<
  'UndoParked',
  {
    readonly step: string;
    readonly message: string;
    readonly attempts: number;
    readonly at: Instant;
  }
>;
export type RunRetried = Message<
  'RunRetried',
  {
    readonly strategy: 'current_step' | 'failed_steps' | 'from_step';
    readonly from_step?: number;
    readonly max_retries?: number;
    /** The attempt of its step in another run that it goes on for. */
    readonly parent_attempt?: number;
    /** Keys of the context that were set. */
    readonly context_patch?: JsonObject;
    /** Of a run that goes on; a parked undo has none. */
    readonly timeout_at?: Instant;
    readonly at: Instant;
  }
>;

/** Nothing new begins and no timer runs until it is resumed. */
export type WorkflowPaused = Message<
  'WorkflowPaused',
  {
    readonly reason?: string;
    /** It was paused with its definition: the number of that pause. */
    readonly definition_pause?: number;
    readonly at: Instant;
  }
>;
/** Every due time is later by `paused_ms` than it was. */
export type WorkflowResumed = Message<
  'WorkflowResumed',
  { readonly paused_ms: number; readonly at: Instant }
>;

/** From here on the run goes by another version of its definition. */
export type WorkflowMigrated = Message<
  'WorkflowMigrated',
  {
    readonly from_version: string;
    readonly to_version: string;
    /** Of the definition it goes by now. */
    readonly checksum: string;
    readonly reason: string;
    readonly compensation_strategy: CompensationStrategy;
    readonly total_steps: number;
    /** Of steps that were reached, by name, where they stand now; absent: none has moved. */
    readonly places?: Readonly<Record<string, number>>;
    /** With them: where the step stands now that was reached last. */
    readonly place?: number;
    /** Steps whose next call is another request, with a key of its own. */
    readonly anew?: readonly string[];
    /** The same of undos. */
    readonly undo_anew?: readonly string[];
    readonly at: Instant;
  }
>;

export type WorkflowCompleted = Message<'WorkflowCompleted', { readonly at: Instant }>;
/** It did not succeed, and nothing was undone. */
export type WorkflowFailed = Message<
  'WorkflowFailed',
  { readonly reason: string; readonly step?: string; readonly at: Instant }
>;
export type WorkflowCompensated = Message<
  'WorkflowCompensated',
  {
    readonly reason: string;
    readonly step?: string;
    /** Steps whose effects could be undone and were not, as the strategy says. */
    readonly standing_steps: readonly string[];
    readonly at: Instant;
  }
>;

/** What lists show of a run that has ended; it stands here because their rows are made of single events. */
export interface EndedRun {
  readonly workflow_id: string;
  readonly workflow_name: string;
  readonly workflow_version: string;
  readonly correlation_id: string;
  readonly wedding_id?: string;
  readonly initiating_service: string;
  readonly status: 'completed' | 'failed' | 'compensated';
  /** Place of the last step it reached, of a completed one the number of steps. */
  readonly current_step: number;
  readonly total_steps: number;
  readonly started_at: Instant;
  readonly completed_at: Instant;
  /** Of its first event. */
  readonly started_position: number;
}
/** It has left what is at work, and can be listed apart. */
export type WorkflowArchived = Message<
  'WorkflowArchived',
  {
    readonly run: EndedRun;
    /** All that it ever had; they leave their list with it. */
    readonly incident_ids?: readonly string[];
    readonly at: Instant;
  }
>;
/** It is at work again: an operator retries, compensates or migrates it. */
export type WorkflowRestored = Message<
  'WorkflowRestored',
  { readonly run: EndedRun; readonly at: Instant }
>;
/** No list has it any more, and nothing can be asked of it; its events stay for the audit. */
export type WorkflowPurged = Message<'WorkflowPurged', { readonly at: Instant }>;

export type RunEvent =
  | WorkflowStarted
  | StepStarted
  | StepRetried
  | StepAttemptFailed
  | CallHeld
  | CallReleased
  | StepCompleted
  | StepFailed
  | StepSkipped
  | DecisionTaken
  | ParallelStarted
  | ParallelCompleted
  | MapStarted
  | MapItemStarted
  | MapItemCompleted
  | MapItemFailed
  | MapCompleted
  | RaceWon
  | RaceUndoStarted
  | GroupFailed
  | DelayStarted
  | DelayElapsed
  | EventPublished
  | SignalAwaited
  | SignalReceived
  | SignalTaken
  | SignalMissed
  | WaitAbandoned
  | WorkflowTimedOut
  | CompensationRequested
  | CompensationStarted
  | UndoStarted
  | UndoRetried
  | UndoAttemptFailed
  | StepCompensated
  | UndoParked
  | IncidentOpened
  | IncidentResolved
  | RunRetried
  | ParentTold
  | WorkflowPaused
  | WorkflowResumed
  | WorkflowMigrated
  | WorkflowCompleted
  | WorkflowFailed
  | WorkflowCompensated
  | WorkflowArchived
  | WorkflowRestored
  | WorkflowPurged;
