import { Fault } from '@downbeat/eventsourcing';

/** This process has as many runs open as it may; another one, or this one later, takes the command. */
export class EngineFull extends Fault {
  override readonly name = 'EngineFull';
  readonly code = 'saga/engine-full';
  readonly remedy = 'retry';
}

/** A service that the run would call has enough calls waiting in front of it, here and so elsewhere. */
export class TargetClogged extends Fault {
  override readonly name = 'TargetClogged';
  readonly code = 'saga/target-clogged';
  readonly remedy = 'retry';
}

/** The engine has not begun yet, or is stopping. */
export class EngineNotRunning extends Fault {
  override readonly name = 'EngineNotRunning';
  readonly code = 'saga/engine-not-running';
  readonly remedy = 'retry';
}

/** The lease could not be renewed in time; whether this process still holds its runs will turn out. */
export class LeaseUnsure extends Fault {
  override readonly name = 'LeaseUnsure';
  readonly code = 'saga/lease-unsure';
  readonly remedy = 'retry';
}

/** A run cannot go on without the definition it was started with. */
export class DefinitionMissing extends Fault {
  override readonly name = 'DefinitionMissing';
  readonly code = 'saga/definition-missing';
  readonly remedy = 'retry';
}

/** The workflow that a step begins is paused: the step waits until it is resumed. */
export class DefinitionPaused extends Fault {
  override readonly name = 'DefinitionPaused';
  readonly code = 'saga/definition-paused';
  readonly remedy = 'retry';
}

/** A run that is a step of this one, or that this one is a step of, cannot be asked just now. */
export class RelativeUnreachable extends Fault {
  override readonly name = 'RelativeUnreachable';
  readonly code = 'saga/relative-unreachable';
  readonly remedy = 'retry';
}
