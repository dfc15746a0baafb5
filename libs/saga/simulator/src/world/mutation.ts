import type { EventStore, Leases } from '@downbeat/event-store';
import type { CompiledDefinition, RunDecider } from '@downbeat/saga-domain';
import type { Rejection } from '@downbeat/eventsourcing';
import type { Clock } from '@downbeat/service-host';
import type {
  DefinitionLibrary,
  Reach,
  TargetCaller,
  TargetRules,
} from '@downbeat/saga-service/testing';
import type { SimulatedProcess } from '../time/simulated-process';
import type { World } from './world';

/** Where a mutation stands: around the ports of one process. */
export interface Site {
  readonly world: World;
  readonly process: SimulatedProcess;
}

/** A definition with its decider, as a process has it in memory. */
export type Known = Exclude<Awaited<ReturnType<DefinitionLibrary['find']>>, Rejection>;

/** A bug, put around what is there: around a port of the engine, or around the decider. */
export interface Mutation {
  readonly store?: (store: EventStore, site: Site) => EventStore;
  readonly leases?: (leases: Leases, site: Site) => Leases;
  readonly targets?: (targets: TargetCaller, site: Site) => TargetCaller;
  /** What a process hears of what operators say of targets. */
  readonly rules?: (rules: readonly TargetRules[]) => readonly TargetRules[];
  /** How one run reaches another. */
  readonly reach?: (reach: Reach, site: Site) => Reach;
  /** What a process knows of a version of a definition; `find` gives another version. */
  readonly library?: (
    known: Known,
    find: (version: string) => Promise<Known | Rejection>,
  ) => Promise<Known>;
  /** What a process believes of whether a definition is paused. */
  readonly isDefinitionPaused?: (isPaused: boolean) => boolean;
  readonly decider?: (decider: RunDecider, definition: CompiledDefinition) => RunDecider;
  /** False: a timer of these milliseconds, set now, is lost. */
  readonly isTimerKept?: (ms: number, site: Site) => boolean;
  /** What a process reads from its monotonic clock. */
  readonly monotonic?: (ms: number) => number;
  readonly clock?: (clock: Clock, site: Site) => Clock;
  readonly pause?: (ms: number) => Promise<void>;
}
