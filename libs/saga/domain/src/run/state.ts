import { epochMs, type Instant, type Json, type JsonObject } from '@downbeat/eventsourcing';
import type {
  CompensationStrategy,
  EndedRun,
  IncidentKind,
  StepOutcome,
  WorkflowStarted,
} from './events';

/** The context of its own that a branch of a race or an item of a map has: `<group>/<branch>`. */
export type ScopeId = string;

/** The calls of a step so far. */
export interface Calls {
  readonly input: JsonObject;
  /** The attempt since which the input is an edited one: another request, with a key of its own. */
  readonly edition?: number | undefined;
  /** The newest call's number, from 1; never begins anew. */
  readonly attempt: number;
  /** Calls made before the present budget of retries began. */
  readonly spent: number;
  /** Failures of the present budget that a rule of the policy governs, by the rule's index. */
  readonly byRule: Readonly<Record<number, number>>;
  /** Retries of the present budget, when an operator set them. */
  readonly maxRetries: number | undefined;
  /** Some call's outcome is unknown. */
  readonly isDoubtful: boolean;
  /** The newest call was not sent yet: it waits until its target may be called. */
  readonly isHeld: boolean;
  /** The next call is another request: the run has migrated to a definition that makes it so. */
  readonly isAnew?: boolean | undefined;
}

/** A parallel or map step whose branches or items are not all done. */
export interface GroupState {
  readonly status: 'branching';
  readonly place: number;
  /** Of the sequence it stands in. */
  readonly scope?: ScopeId | undefined;
  /** What failed first in each branch that failed, where that does not halt the run. */
  readonly failures: ReadonlyMap<string, Failure>;
  /** Of a race. */
  readonly winner?: string | undefined;
  /** It has failed as a whole. */
  readonly isStopped: boolean;
  /** Of a map. */
  readonly items?: readonly Json[] | undefined;
  /** Items that were begun. */
  readonly begun: number;
  /** Of these, ascending, those that failed before a retry and wait for their turn again. */
  readonly again: ReadonlySet<number>;
  /** What was collected of each item that is done. */
  readonly results: ReadonlyMap<number, JsonObject>;
}

/** Why a branch or the run cannot succeed. */
export interface Failure {
  readonly reason: string;
  readonly step: string | undefined;
}

export type StepState = { readonly place: number } & (
  | ({ readonly status: 'calling' } & Calls)
  | ({ readonly status: 'waiting'; readonly retryAt: Instant } & Calls)
  | { readonly status: 'delaying'; readonly until: Instant }
  | {
      readonly status: 'awaiting';
      readonly signal: string;
      readonly since: Instant;
      readonly until: Instant | undefined;
    }
  | GroupState
  /** Done or passed; the run went on at `goto`, or at the step's own `next`. */
  | { readonly status: 'passed'; readonly goto?: string | undefined }
  | ({
      readonly status: 'failed';
      readonly outcome: StepOutcome;
      /** The run went on, at `goto` when the failure was caught. */
      readonly isOptional: boolean;
      readonly goto?: string | undefined;
      readonly message: string;
    } & Calls)
  /** A delay or a signal that is not waited for any more. */
  | { readonly status: 'abandoned' }
);

/** A call that had, or may have had, an effect which stands. */
export interface Effected {
  readonly step: string;
  readonly outcome: 'completed' | StepOutcome;
  /** As of the step's end. */
  readonly context: JsonObject;
  readonly output: Json;
  /** Calls that were made to undo it. */
  readonly undoAttempts?: number | undefined;
  /** The attempt since which its undo is another request, with a key of its own. */
  readonly undoEdition?: number | undefined;
  /** The outcome of some call of its undo is unknown. */
  readonly isUndoDoubtful?: boolean | undefined;
  /** The next call of its undo is another request. */
  readonly isUndoAnew?: boolean | undefined;
  /** Of the call that had it. */
  readonly edition?: number | undefined;
}

/** A signal that came before anybody waited for it, or during a pause. */
export interface KeptSignal {
  readonly signal: string;
  readonly payload: Json;
}

/** Why no new step begins. */
export interface Halt extends Failure {
  readonly strategy: CompensationStrategy | undefined;
  readonly customSteps: readonly string[] | undefined;
  readonly savepoint: string | undefined;
  /** An operator asked for it. */
  readonly isRequested: boolean;
  /** The run that it is a step of did, or waits for the answer to what it has asked before. */
  readonly isForParent?: boolean | undefined;
}

export type UndoState =
  | ({ readonly status: 'calling' } & Calls)
  | ({ readonly status: 'waiting'; readonly retryAt: Instant } & Calls)
  | ({ readonly status: 'parked'; readonly message: string } & Calls);

export interface Compensation {
  readonly reason: string;
  readonly strategy: CompensationStrategy;
  /** What is still to be undone, the present one first. */
  readonly remaining: readonly string[];
  readonly undo: UndoState | undefined;
  /** The race whose losers are undone, while the run goes on. */
  readonly race?: string | undefined;
}

/** What the run waits for a person with. */
export interface Incident {
  readonly id: string;
  readonly step: string;
  readonly kind: IncidentKind;
}

/** Nothing begins; due times are told as of its beginning. */
export interface Pause {
  readonly since: Instant;
  /** It was paused with its definition. */
  readonly isOfDefinition?: boolean | undefined;
  /** Steps that were answered, and those that signals came for, in the order of the log. */
  readonly heard: readonly string[];
}

/** What the run goes by instead of what it was started with. */
export interface Migrated {
  readonly version: string;
  readonly checksum: string;
  readonly strategy: CompensationStrategy;
  readonly totalSteps: number;
}

export type RunStatus = 'running' | 'completed' | 'failed' | 'compensating' | 'compensated';

export interface Run {
  readonly status: RunStatus;
  readonly started: WorkflowStarted['data'];
  readonly migrated?: Migrated | undefined;
  readonly context: JsonObject;
  /** What branches and items have for themselves. */
  readonly scopes: ReadonlyMap<ScopeId, JsonObject>;
  readonly timeoutAt: Instant;
  /** Every step that was reached, by its address. */
  readonly steps: ReadonlyMap<string, StepState>;
  /** In the order of the log; what was undone is gone from it. */
  readonly effects: readonly Effected[];
  /** Oldest first. */
  readonly signals: readonly KeptSignal[];
  readonly halt: Halt | undefined;
  readonly compensation: Compensation | undefined;
  /** How often it has ended, and of how many ends its parent knows. */
  readonly ends: number;
  readonly told: number;
  /** The attempt of its step there that its next end answers. */
  readonly parentAttempt: number;
  /** Why it ended last, when it did not complete. */
  readonly endReason?: string | undefined;
  readonly pause: Pause | undefined;
  /** The open one; undos go one at a time, so there is at most one. */
  readonly incident: Incident | undefined;
  /** Ids of all so far. */
  readonly incidents: readonly string[];
  /** Retries an operator allowed with the last `RunRetried`. */
  readonly maxRetries: number | undefined;
  /** Of the data of all its events, as JSON text in UTF-8. */
  readonly bytes: number;
  /** When it ended last. */
  readonly endedAt?: Instant | undefined;
  /** As it stands in the archive. */
  readonly archived?: EndedRun | undefined;
  readonly purgedAt?: Instant | undefined;
}

export type RunState = { readonly status: 'not-started' } | Run;

export const NOT_STARTED: RunState = { status: 'not-started' };

export const isStarted = (state: RunState): state is Run => state.status !== 'not-started';

/** It has ended, and the run that it is a step of has not recorded that yet. */
export const owesParent = ({ started, ends, told }: Run): boolean =>
  started.parent !== undefined && told < ends;

/**
 * What its parent has asked to undo is undone, and the parent may not know: whoever has more of it
 * undone meanwhile, its next end says so too.
 */
export const owesUndoing = (run: Run): boolean =>
  run.status === 'compensated' && run.halt?.isForParent === true && owesParent(run);

/** An earlier call had, or may have had, an effect that stands. */
export const hasEffect = ({ effects }: Run, address: string): boolean =>
  effects.some(({ step, outcome }) => step === address && outcome !== 'failed');

/** Undos are called one after the other: of the run, or of a race's losers. */
export const isUndoing = ({ status, compensation }: Run): boolean =>
  status === 'compensating' || (status === 'running' && compensation?.race !== undefined);

export const isUnderWay = (step: StepState | undefined): boolean =>
  step !== undefined &&
  (step.status === 'calling' ||
    step.status === 'waiting' ||
    step.status === 'delaying' ||
    step.status === 'awaiting' ||
    (step.status === 'branching' && !step.isStopped));

/**
 * Steps that wait for a signal of this name, the one that has waited longest first; of several since
 * the same moment the one that was reached first.
 */
export const awaiting = (run: Run, signal: string): readonly string[] =>
  [...run.steps]
    .flatMap(([address, state]) =>
      state.status === 'awaiting' && state.signal === signal
        ? [{ address, since: state.since }]
        : [],
    )
    .toSorted((one, other) => epochMs(one.since) - epochMs(other.since))
    .map(({ address }) => address);

/** The step that takes the next signal of this name; those before it have one that came in a pause. */
export const addressee = (run: Run, signal: string): string | undefined =>
  awaiting(run, signal)[run.signals.filter((kept) => kept.signal === signal).length];
