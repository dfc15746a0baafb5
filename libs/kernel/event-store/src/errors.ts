import { Fault, type Position, type StreamName, type StreamVersion } from '@downbeat/eventsourcing';
import type { Receipt } from './event-store';

/** The stream moved on between loading it and appending to it. */
export class StreamVersionConflict extends Fault {
  override readonly name = 'StreamVersionConflict';
  readonly code = 'event-store/stream-version-conflict';
  readonly remedy = 'retry';

  constructor(
    readonly stream: StreamName,
    readonly expected: StreamVersion,
    readonly actual?: StreamVersion,
  ) {
    super(`${stream} is no longer at version ${expected}`);
  }
}

/** Another process holds the stream now, or this one's epoch is out of date. */
export class LeaseLost extends Fault {
  override readonly name = 'LeaseLost';
  readonly code = 'event-store/lease-lost';
  readonly remedy = 'give-up';

  constructor(
    readonly stream: StreamName,
    readonly owner: string,
    readonly epoch: number,
  ) {
    super(`${owner} no longer holds ${stream} in epoch ${epoch}`);
  }
}

/** The publication was applied before, or one before it was not applied yet. */
export class ReceiptConflict extends Fault {
  override readonly name = 'ReceiptConflict';
  readonly code = 'event-store/receipt-conflict';
  readonly remedy = 'retry';

  constructor(
    readonly receipt: Receipt,
    /** The number applied last: `receipt.number` or more when this one was applied before. */
    readonly last: number,
  ) {
    super(
      `${receipt.consumer} has applied number ${last} of ${receipt.source} last, so ${receipt.number} is not its next`,
    );
  }
}

/** An append that can never succeed, however often it is tried. Nothing was stored. */
export class AppendRefused extends Fault {
  override readonly name = 'AppendRefused';
  readonly code = 'event-store/append-refused';
  readonly remedy = 'give-up';

  constructor(
    readonly stream: StreamName,
    reason: string,
    options?: ErrorOptions,
  ) {
    super(`the append to ${stream} was refused: ${reason}`, options);
  }
}

/** Postgres did not answer in time or the connection broke. Whether an append took place is unknown. */
export class EventStoreUnavailable extends Fault {
  override readonly name = 'EventStoreUnavailable';
  readonly code = 'event-store/unavailable';
  readonly remedy = 'retry';
}

/** More appends are waiting than the queue may hold. Nothing was sent. */
export class EventStoreOverloaded extends Fault {
  override readonly name = 'EventStoreOverloaded';
  readonly code = 'event-store/overloaded';
  readonly remedy = 'retry';

  constructor(readonly waitingMax: number) {
    super(`no more than ${waitingMax} appends may wait`);
  }
}

/** A position is missing in the log: it was damaged, or someone wrote around `append_many`. */
export class LogGap extends Fault {
  override readonly name = 'LogGap';
  readonly code = 'event-store/log-gap';
  readonly remedy = 'give-up';

  constructor(
    readonly expected: Position,
    readonly found: Position,
  ) {
    super(`the log has position ${found} where ${expected} must be`);
  }
}

/** A cursor that this log did not hand out. */
export class InvalidCursor extends Fault {
  override readonly name = 'InvalidCursor';
  readonly code = 'event-store/invalid-cursor';
  readonly remedy = 'give-up';
}
