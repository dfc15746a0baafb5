import type { EventStore, Leases } from '@downbeat/event-store';
import type {
  CallResult,
  ChildEffect,
  TellParentEffect,
  CompiledDefinition,
  RunDecider,
  RunEvent,
  RunState,
} from '@downbeat/saga-domain';
import type { Position, Rejection } from '@downbeat/eventsourcing';
import type { Clock } from '@downbeat/service-host';
import type { Admission } from '../admission/admission';
import type { CallContext, TargetCaller } from '../targets/target-caller';
import type { CrashPoints } from './crash-points';
import type { OpenedIncident } from './opened-incidents';

/** A definition with the decider made for it. */
export interface Behaviour {
  readonly definition: CompiledDefinition;
  readonly decider: RunDecider;
}

/** The same as it was registered. */
export interface KnownBehaviour extends Behaviour {
  readonly checksum: string;
}

/** As much of an open run as whoever has it open is told. */
export interface RunInHand {
  readonly id: string;
}

/** The runs that stand for a run's steps, and the one that it is a step of. */
export interface Relatives {
  /** @returns What is known at once; undefined: the other run will say itself when it has ended. */
  ask(effect: ChildEffect, context: CallContext): Promise<CallResult | undefined>;
  /** @param id Of the run that has ended. */
  tell(id: string, effect: TellParentEffect, context: CallContext): Promise<void>;
}

/** What a run needs from the engine that has it open. */
export interface RunSurroundings {
  readonly store: EventStore;
  readonly leases: Leases;
  readonly targets: TargetCaller;
  readonly admission: Admission;
  readonly clock: Clock;
  readonly crashPoints: CrashPoints;
  /** A random number from 0 to 1. */
  readonly chance: () => number;
  readonly pause: (ms: number) => Promise<void>;
  /** @throws {DefinitionMissing} */
  readonly behaviourOf: (name: string, version: string) => Promise<Behaviour>;
  /** For a run to go by from now on; refused when nobody has registered it. */
  readonly versionOf: (name: string, version: string) => Promise<KnownBehaviour | Rejection>;
  readonly family: Relatives;
  /** The run needs this process no longer: it rests and nobody asks, or another process has it. */
  readonly onIdle: (run: RunInHand) => void;
  /** Tells whoever waits for the end of a run; at least once for each end. */
  readonly onEnded: (correlationId: string, position: Position) => void;
  /** What this process has recorded of a run, and how it is after that; never told twice. */
  readonly onRecorded: (
    run: RunInHand,
    events: readonly RunEvent[],
    state: RunState,
    traceparent: string | undefined,
  ) => void;
  readonly onFault: (run: RunInHand, fault: unknown) => void;
  /** A run waits for a person; said once, by the process that recorded it. */
  readonly onIncident: (incident: OpenedIncident) => void;
}
