import type { Instant, Json, JsonObject } from '@downbeat/eventsourcing';
import type { CompensationStrategy, IncidentKind, StepOutcome, WorkflowStarted } from './events';

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
}

export type StepState = { readonly place: number } & (
  | ({ readonly status: 'calling' } & Calls)
  | ({ readonly status: 'waiting'; readonly retryAt: Instant } & Calls)
  | { readonly status: 'delaying'; readonly until: Instant }
  | { readonly status: 'branching' }
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
  /** A delay that was given up. */
  | { readonly status: 'abandoned' }
);

/** A call that had, or may have had, an effect which stands. */
export interface Effected {
  readonly step: string;
  readonly outcome: 'completed' | StepOutcome;
  /** As of the step's end. */
  readonly context: JsonObject;
  readonly output: Json;
  /** Of the call that had it. */
  readonly edition?: number | undefined;
}

/** Why no new step begins. */
export interface Halt {
  readonly reason: string;
  readonly step: string | undefined;
  readonly strategy: CompensationStrategy | undefined;
  readonly customSteps: readonly string[] | undefined;
  readonly savepoint: string | undefined;
  /** An operator asked for it. */
  readonly isRequested: boolean;
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
}

/** What the run waits for a person with. */
export interface Incident {
  readonly id: string;
  readonly step: string;
  readonly kind: IncidentKind;
}

export type RunStatus = 'running' | 'completed' | 'failed' | 'compensating' | 'compensated';

export interface Run {
  readonly status: RunStatus;
  readonly started: WorkflowStarted['data'];
  readonly context: JsonObject;
  readonly timeoutAt: Instant;
  /** Every step that was reached. */
  readonly steps: ReadonlyMap<string, StepState>;
  /** In the order of the log; what was undone is gone from it. */
  readonly effects: readonly Effected[];
  readonly halt: Halt | undefined;
  readonly compensation: Compensation | undefined;
  /** Due times of a paused run are told as of its pause. */
  readonly pause: { readonly since: Instant } | undefined;
  /** The open one; undos go one at a time, so there is at most one. */
  readonly incident: Incident | undefined;
  /** Ids of all so far. */
  readonly incidents: readonly string[];
  /** Retries an operator allowed with the last `RunRetried`. */
  readonly maxRetries: number | undefined;
}

export type RunState = { readonly status: 'not-started' } | Run;

export const NOT_STARTED: RunState = { status: 'not-started' };

export const isStarted = (state: RunState): state is Run => state.status !== 'not-started';

export const isUnderWay = (step: StepState | undefined): boolean =>
  step !== undefined &&
  (step.status === 'calling' ||
    step.status === 'waiting' ||
    step.status === 'delaying' ||
    step.status === 'branching');
