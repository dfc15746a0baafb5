import type { DataOf, sagaContract } from '@downbeat/contracts';
import type { Command, Json, JsonObject } from '@downbeat/eventsourcing';
import type { CompiledDefinition } from '../definition/compiled';
import type { HeldBecause, ParentRun } from './events';

/** Ids and the definition's checksum come with the command, like the time. */
export interface StartWorkflow extends Command<
  'StartWorkflow',
  DataOf<typeof sagaContract.startWorkflow>
> {
  readonly workflow_id: string;
  /** Of the definition the run is started with. */
  readonly checksum: string;
  /** The run and its step that this run is a part of. */
  readonly parent?: ParentRun;
  /** The rules it is decided by: {@link RULES}, unless it is replayed; undefined: the first ones. */
  readonly rules: number | undefined;
}

export interface CompensateWorkflow extends Command<
  'CompensateWorkflow',
  DataOf<typeof sagaContract.compensateWorkflow>
> {
  /** Asked for by the run that it is a step of, which undoes that step. */
  readonly for_parent?: true;
}

export interface RetryWorkflow extends Command<
  'RetryWorkflow',
  DataOf<typeof sagaContract.retryWorkflow>
> {
  /** Asked for by the run that it is a step of: the step's attempt that waits for it. */
  readonly parent_attempt?: number;
}

export type SignalWorkflow = Command<'SignalWorkflow', DataOf<typeof sagaContract.signalWorkflow>>;

/** A run that is a step of this one has ended, as it says itself. */
export type ChildEnded = Command<
  'ChildEnded',
  {
    /** The parent's. */
    readonly workflow_id: string;
    readonly step: string;
    readonly status: 'completed' | 'failed' | 'compensated';
    /** The step's attempt that it has ended for; absent: whichever waits. */
    readonly attempt?: number;
    /** Of one that was compensated: the parent had asked for it; absent: whoever had. */
    readonly for_parent?: boolean;
    /** Its final context, if it completed and that is no larger than an answer may be. */
    readonly output: JsonObject;
    /** How many bytes the context has that is not told because it is larger. */
    readonly oversized?: number;
    readonly reason?: string;
  }
>;

/** The parent has recorded the end; `ends`: how often the run had ended. */
export type NoteParentTold = Command<'NoteParentTold', { readonly ends: number }>;
export type ResolveIncident = Command<
  'ResolveIncident',
  DataOf<typeof sagaContract.resolveIncident>
>;

export interface PauseWorkflow extends Command<
  'PauseWorkflow',
  DataOf<typeof sagaContract.pauseWorkflow>
> {
  /** With its definition: the number of that pause. */
  readonly definition_pause?: number;
}
export interface ResumeWorkflow extends Command<
  'ResumeWorkflow',
  DataOf<typeof sagaContract.resumeWorkflow>
> {
  /** With its definition: leaves it paused if it was not paused with that. */
  readonly definition_pause?: number;
}

/** To be said of a run that has ended. */
export type ArchiveWorkflow = Command<
  'ArchiveWorkflow',
  {
    readonly workflow_id: string;
    /** Of its first event: known to the log alone, and added by whoever holds the run. */
    readonly started_position?: number;
  }
>;
/** To be said of a run that is archived. */
export type PurgeWorkflow = Command<'PurgeWorkflow', { readonly workflow_id: string }>;
/** As it is asked for: by the version alone. */
export type MigrationRequest = Command<
  'MigrateWorkflow',
  DataOf<typeof sagaContract.migrateWorkflow>
>;

/** The definition comes with the command, as it does when a run is started. */
export interface MigrateWorkflow extends MigrationRequest {
  readonly definition: CompiledDefinition;
  readonly checksum: string;
}

/** What came of one call, as the caller saw it; what it means is decided here. */
export type CallResult =
  /** 2xx, or a reply. `null` for an empty body. */
  | { readonly kind: 'ok'; readonly output: Json }
  /** The same, and what was answered is larger than may be kept. */
  | { readonly kind: 'oversized'; readonly message: string }
  /** Any other status. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly message: string;
      readonly retry_after_ms?: number;
    }
  /** Nothing was sent: connection refused, no instance known, no responder, not allowed. */
  | { readonly kind: 'refused'; readonly message: string }
  /** The connection broke after something had been sent. */
  | { readonly kind: 'broken'; readonly message: string }
  | { readonly kind: 'timeout'; readonly message: string };

/** A step's own call, or the one that undoes it. */
export type Purpose = 'step' | 'undo';

export interface CallAnswered extends Command<
  'CallAnswered',
  {
    readonly purpose: Purpose;
    readonly step: string;
    readonly attempt: number;
    readonly result: CallResult;
    /** From the call's effect: an earlier process may have sent this very call before. */
    readonly reissued: boolean;
  }
> {
  /** A random number from 0 to 1 for the jitter of a retry. */
  readonly chance: number;
}

/** The call of an effect has waited in the engine for a while, and was not sent. */
export type HoldCall = Command<
  'HoldCall',
  {
    readonly purpose: Purpose;
    readonly step: string;
    readonly attempt: number;
    readonly because: HeldBecause;
    /** From the call's effect: an earlier process may have sent this very call. */
    readonly reissued?: true;
  }
>;

/** The turn of a call that was held has come; it may be sent when this was recorded. */
export type ReleaseCall = Command<
  'ReleaseCall',
  { readonly purpose: Purpose; readonly step: string; readonly attempt: number }
>;

/** A timer that was set by an effect has come due. */
export type TimerDue = Command<'TimerDue', { readonly timer_id: string }>;

export type RunCommand =
  | StartWorkflow
  | CallAnswered
  | HoldCall
  | ReleaseCall
  | TimerDue
  | CompensateWorkflow
  | RetryWorkflow
  | SignalWorkflow
  | ChildEnded
  | NoteParentTold
  | ResolveIncident
  | PauseWorkflow
  | ResumeWorkflow
  | ArchiveWorkflow
  | PurgeWorkflow
  | MigrateWorkflow;
