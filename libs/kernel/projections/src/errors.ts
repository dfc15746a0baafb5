import { Fault, type Instant, type Position } from '@downbeat/eventsourcing';

/** A projection or table is defined in a way that cannot be built. Lists everything that is wrong. */
export class InvalidProjection extends Fault {
  override readonly name = 'InvalidProjection';
  readonly code = 'projections/invalid-projection';
  readonly remedy = 'give-up';

  constructor(
    readonly projection: string,
    readonly problems: readonly string[],
  ) {
    super(`${projection}: ${problems.join('; ')}`);
  }
}

/** The tables of a version that was built already look different now: its version must be raised. */
export class ProjectionChanged extends Fault {
  override readonly name = 'ProjectionChanged';
  readonly code = 'projections/projection-changed';
  readonly remedy = 'give-up';

  constructor(
    readonly projection: string,
    readonly version: number,
  ) {
    super(`the tables of ${projection} changed, but it is still version ${version}: raise it`);
  }
}

/** `min_position` was not projected in time, or the read model is being built for the first time. */
export class ReadModelBehind extends Fault {
  override readonly name = 'ReadModelBehind';
  readonly code = 'projections/read-model-behind';
  readonly remedy = 'retry';
  /** A hint for whoever asked: when to ask again. */
  readonly retry_after_ms = 1_000;

  constructor(
    readonly projection: string,
    readonly wanted: Position,
    readonly reached: Position,
  ) {
    super(`${projection} has reached position ${reached}, not yet ${wanted}`);
  }
}

/** `at` lies in the future of the log. */
export class ReadPositionAhead extends Fault {
  override readonly name = 'ReadPositionAhead';
  readonly code = 'projections/read-position-ahead';
  readonly remedy = 'give-up';

  constructor(
    readonly at: Position | Instant,
    readonly head: Position,
  ) {
    super(`${at} lies in the future: the log ends at position ${head}`);
  }
}

/** `at` is neither a position (a whole number, 0 or more) nor an ISO 8601 time. */
export class InvalidReadPosition extends Fault {
  override readonly name = 'InvalidReadPosition';
  readonly code = 'projections/invalid-read-position';
  readonly remedy = 'give-up';

  constructor(readonly at: unknown) {
    super(`${String(at)} is neither a position nor an ISO 8601 time`);
  }
}

/** Postgres did not answer in time, or the connection broke. */
export class ReadModelsUnavailable extends Fault {
  override readonly name = 'ReadModelsUnavailable';
  readonly code = 'projections/unavailable';
  readonly remedy = 'retry';
}

/** As many rebuilds as may run and wait at once do so already, or this one took too long. */
export class RebuildsOverloaded extends Fault {
  override readonly name = 'RebuildsOverloaded';
  readonly code = 'projections/rebuilds-overloaded';
  readonly remedy = 'retry';
  readonly retry_after_ms = 5_000;
}

/** A slice of the log, or a checkpoint, is not what it must be. Nothing of it was applied. */
export class ProjectionInvariantBroken extends Fault {
  override readonly name = 'ProjectionInvariantBroken';
  readonly code = 'projections/invariant-broken';
  readonly remedy = 'give-up';
}
