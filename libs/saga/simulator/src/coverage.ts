import type { RunEvent } from '@downbeat/saga-domain';
import { CRASH_POINTS } from '@downbeat/saga-service/testing';
import { STEP_TYPES } from './definitions/step-makers';
import { FAULT_NAMES } from './weather/faults';

const EVENT_TYPES: Readonly<Partial<Record<RunEvent['type'], true>>> = {
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
  DelayStarted: true,
  DelayElapsed: true,
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
  WorkflowCompleted: true,
  WorkflowFailed: true,
  WorkflowCompensated: true,
};

export type Kind = 'crash point' | 'killed at' | 'fault' | 'event' | 'step' | 'command';

/** What has to be met, by kind. */
const LISTED: readonly (readonly [kind: Kind, names: readonly string[]])[] = [
  ['crash point', CRASH_POINTS],
  ['killed at', CRASH_POINTS],
  ['fault', FAULT_NAMES],
  ['event', Object.keys(EVENT_TYPES)],
  ['step', STEP_TYPES],
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
