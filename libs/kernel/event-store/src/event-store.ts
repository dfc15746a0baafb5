import type {
  EventMeta,
  Instant,
  JsonObject,
  Message,
  Position,
  Recorded,
  StreamName,
  StreamVersion,
} from '@downbeat/eventsourcing';

export const APPEND_EVENTS_MAX = 1_000;
/** Appends that may stand or fall together. */
export const TOGETHER_MAX = 512;

/**
 * One append: a decision's events, and what must be true and remembered together with them.
 * What stands against it is looked for in this order, and the first find is the answer: command
 * answered before, receipt, lease to hold or release, version, lease to acquire.
 */
export interface Append {
  readonly stream: StreamName;
  /** The version the decision was made on; 0 for a new stream. There is no "any version". */
  readonly expected: StreamVersion;
  /** In order, at most 1,000. May be empty when only a receipt, a command's answer or a lease has to be written. */
  readonly events: readonly NewEvent[];
  readonly meta: EventMeta;
  /** The command behind it: asked again with the same id it gets the first answer, and appends nothing. */
  readonly command?: AnsweredCommand;
  readonly lease?: LeaseUse;
  readonly receipt?: Receipt;
}

/** What is remembered of a command, together with its events. */
export interface AnsweredCommand {
  readonly id: string;
  readonly answer: JsonObject;
  /** SHA-256 of what the command says, in lower-case hexadecimal: tells a repetition from another command. */
  readonly payloadHash?: string;
}

/** What a command was answered. */
export interface RememberedAnswer extends Appended {
  /** Absent when none was given, or when it was remembered by a release that knew none. */
  readonly payloadHash?: string;
}

/** `schema_version` is 1 unless the event's data changed shape since. */
export type NewEvent = Message & { readonly schema_version?: number };

/**
 * The right to append to a stream, held by one process at a time.
 * `acquire`: the stream has no holder yet, take it with epoch 1. `hold`: append only while this
 * owner still has this epoch. `release`: the same, and give it up with this append.
 *
 * @see Martin Kleppmann, "How to do distributed locking": fencing tokens.
 */
export interface LeaseUse {
  readonly use: 'acquire' | 'hold' | 'release';
  readonly owner: string;
  readonly epoch: number;
}

/** "This consumer has applied this publication", written in the transaction of its effect. */
export interface Receipt {
  /** Durable name of the consumer: `registry-instance-health`. */
  readonly consumer: string;
  /** The publishing context. */
  readonly source: string;
  /** Its publication number; the stored one must be exactly one less. */
  readonly number: number;
  /** Several in a row were applied at once, from this one to `number`: the stored one must be one less than this. */
  readonly first?: number;
}

export interface Appended {
  readonly version: StreamVersion;
  /** Position of the last event appended; the log's head when there was none. */
  readonly position: Position;
  /** The remembered answer of the command, when there was one. */
  readonly answer?: JsonObject;
  /** True when the command had been answered before and nothing was appended now. */
  readonly repeated: boolean;
}

/** A stretch of the log as one context sees it: its own events, and how far the stretch reaches. */
export interface LogSlice<Event extends Message = Message> {
  readonly events: readonly Recorded<Event>[];
  /** Position of the last event looked at, another context's included; `after` when there was none. */
  readonly through: Position;
}

/**
 * The append-only log all contexts share, as one context may use it: it appends its own events and
 * reads its own events, positions are the whole log's. An abstract class rather than an interface, so that it is its
 * own Nest injection token.
 */
export abstract class EventStore {
  /** The context this store appends for and reads. */
  abstract readonly context: string;

  /**
   * Appends all of `append.events` or none. Appends that arrive while a flush is under way share
   * the next one (group commit); a conflict fails its own append alone.
   *
   * @throws {StreamVersionConflict} Someone else appended first. Load, decide and append again.
   * @throws {LeaseLost} The lease has another holder or a newer epoch. Stop working on this stream.
   * @throws {ReceiptConflict} The receipt's number is not the next one.
   * @throws {EventStoreUnavailable} No answer within the time-out: whether the events were appended
   *         is unknown; appending again with the same `expected` is safe.
   * @throws {EventStoreOverloaded} The bounded queue of waiting appends is full; nothing was sent.
   * @throws {AppendRefused} It can never succeed: data that is no JSON, or another context's stream.
   */
  abstract append(append: Append): Promise<Appended>;

  /**
   * Appends all of them or none, in one transaction: 1 to 512 appends, each to another stream,
   * with 32 Mi characters of JSON between them. They are committed in their order, without another event between them.
   *
   * @returns Per append, in order. When the command of one was answered before, nothing was appended
   *          and each is that answer.
   * @throws What {@link append} throws: the fault of the first append that something stands against.
   */
  abstract appendTogether(appends: readonly Append[]): Promise<readonly Appended[]>;

  /** A stream's events after version `after` (default 0), oldest first, upcast to their newest shape. */
  abstract load<Event extends Message>(
    stream: StreamName,
    after?: StreamVersion,
  ): Promise<readonly Recorded<Event>[]>;

  /**
   * The log after `after`, at most `limit` positions of it (default 1,000, at most 10,000).
   *
   * @throws {LogGap} A position is missing, `after` itself included: the log was damaged or is an
   *         older copy. An alarm, never skipped.
   */
  abstract read<Event extends Message>(after: Position, limit?: number): Promise<LogSlice<Event>>;

  /**
   * Waits until every append sent before has either committed or never will, also one whose
   * connection broke: its backend may still be at work, and a read that comes too early does not
   * see what it is about to commit. To be called between an append with an unknown outcome and the
   * read that shall tell.
   *
   * @throws {EventStoreUnavailable}
   */
  abstract settled(): Promise<void>;

  /** The answer this command id got earlier, if it was accepted. */
  abstract answerOf(commandId: string): Promise<RememberedAnswer | undefined>;

  /** The last publication of `source` that `consumer` has a receipt for; 0 when there is none. */
  abstract lastReceipt(consumer: string, source: string): Promise<number>;

  /** Position of the newest event of the log, every context's counted; 0 for an empty log. */
  abstract head(): Promise<Position>;

  /** Position of the newest event recorded up to and with `moment`, every context's counted; 0 when there is none. */
  abstract positionAt(moment: Instant): Promise<Position>;

  /**
   * Calls `listener` after something was appended, by this process or (through a hint on the bus)
   * by another. A wake-up and no more: it may be lost, so a reader polls as well (every 250 ms).
   * Returns the unsubscribe function.
   *
   * @param context Only when this context's events may be among what was appended; any when absent.
   */
  abstract onAppended(listener: (position: Position) => void, context?: string): () => void;
}
