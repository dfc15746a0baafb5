import type { RunEvent } from '@downbeat/saga-domain';
import { CRASH_POINTS } from '@downbeat/saga-service/testing';
import { STEP_TYPES } from './definitions/sequence';
import { CASES } from './oracle/cases';
import { FAULT_NAMES } from './weather/faults';

/** What runs of today do not record any more. */
type Unmet = 'UndoParked';

/** Any other type of event that is not listed does not compile. */
const EVENT_TYPES: Readonly<Record<Exclude<RunEvent['type'], Unmet>, true>> = {
  WorkflowStarted: true,
  StepStarted: true,
  StepRetried: true,
  CallHeld: true,
  CallReleased: true,
  StepAttemptFailed: true,
  StepCompleted: true,
  StepFailed: true,
  StepSkipped: true,
  DecisionTaken: true,
  ParallelStarted: true,
  ParallelCompleted: true,
  MapStarted: true,
  MapItemStarted: true,
  MapItemCompleted: true,
  MapItemFailed: true,
  MapCompleted: true,
  RaceWon: true,
  RaceUndoStarted: true,
  GroupFailed: true,
  DelayStarted: true,
  DelayElapsed: true,
  EventPublished: true,
  SignalAwaited: true,
  SignalReceived: true,
  SignalTaken: true,
  SignalMissed: true,
  WaitAbandoned: true,
  WorkflowTimedOut: true,
  CompensationRequested: true,
  CompensationStarted: true,
  UndoStarted: true,
  UndoRetried: true,
  UndoAttemptFailed: true,
  StepCompensated: true,
  IncidentOpened: true,
  IncidentResolved: true,
  RunRetried: true,
  WorkflowPaused: true,
  WorkflowResumed: true,
  WorkflowMigrated: true,
  ParentTold: true,
  WorkflowCompleted: true,
  WorkflowFailed: true,
  WorkflowCompensated: true,
  WorkflowArchived: true,
  WorkflowRestored: true,
  WorkflowPurged: true,
};

/** What commands have to be answered. */
const ANSWERS = [
  'accepted',
  'workflow-unknown',
  'workflow-ended',
  'workflow-ending',
  'signal-unknown',
  'signal-unusable',
  'workflow-not-ended',
  'parent-not-told',
  'workflow-paused',
  'workflow-completed',
  'already-compensating',
  'already-compensated',
  'nothing-to-compensate',
  'savepoint-not-passed',
  'incident-resolved',
  'incident-unknown',
  'step-completed',
  'invalid-input',
  'migration-impossible',
  'workflow-definition-unknown',
  'definition-paused',
  'workflow-not-archived',
  'workflow-purged',
];

export type Kind = 'crash point' | 'killed at' | 'fault' | 'event' | 'step' | 'case' | 'command';

/** What has to be met, by kind. */
const LISTED: readonly (readonly [kind: Kind, names: readonly string[]])[] = [
  ['crash point', CRASH_POINTS],
  ['killed at', CRASH_POINTS],
  ['fault', FAULT_NAMES],
  ['event', Object.keys(EVENT_TYPES)],
  ['step', STEP_TYPES],
  ['case', CASES],
  ['command', ANSWERS],
];

/** How often what a simulation is there for was met: so that it cannot go blind without a word. */
export class Coverage {
  readonly counts = new Map<string, number>();

  met(kind: Kind, name: string, times = 1): void {
    const key = `${kind} ${name}`;
    this.counts.set(key, (this.counts.get(key) ?? 0) + times);
  }

  add(counts: Iterable<readonly [string, number]>): void {
    for (const [key, times] of counts) this.counts.set(key, (this.counts.get(key) ?? 0) + times);
  }

  /** By kind, in the order in which they are listed. */
  table(): readonly {
    readonly kind: Kind;
    readonly met: readonly (readonly [string, number])[];
  }[] {
    return LISTED.map(([kind, names]) => ({
      kind,
      met: names.map((name) => [name, this.counts.get(`${kind} ${name}`) ?? 0] as const),
    }));
  }

  /** What is listed and was never met. */
  get missed(): readonly string[] {
    return this.table().flatMap(({ kind, met }) =>
      met.flatMap(([name, times]) => (times === 0 ? [`${kind} ${name}`] : [])),
    );
  }
}
