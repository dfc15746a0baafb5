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

  constructor(readonly receipt: Receipt) {
    super(
      `${receipt.consumer} has not applied number ${receipt.number - 1} of ${receipt.source} as its last`,
    );
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
    super(`${waitingMax} appends are waiting already`);
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
