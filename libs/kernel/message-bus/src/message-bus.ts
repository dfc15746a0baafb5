import type { JsonObject } from '@downbeat/eventsourcing';
import type { BusMetrics } from './bus-metrics';
import type { CommandOutcome, QueryOutcome } from './command-outcome';
import type { DeadLetter, DeadLetters } from './dead-letters';
import type { Evidence, KeptEvidence } from './evidence';
import type { EventBatch, EventsConfirmed, EventStreamState, OutgoingEvent } from './events';
import type { MessageHeaders } from './headers';
import type { FlowListener, Following } from './message-flow';
import type { QueueDepth } from './queue-depth';
import type { ServiceMessage, ServiceMessages } from './service-messages';
import type { Settlement } from './settlement';

/** One arrival of a command. */
export interface Delivery {
  /** The same for every redelivery of this message: `Nats-Msg-Id`, `command_id` in the body, or the place in the stream. */
  readonly id: string;
  /** `command.<context>.<Name>.<id>`, without the bus's prefix. */
  readonly subject: string;
  /** 1 for the first time. */
  readonly deliveries: number;
  /** Parsed JSON of any shape, depth and keys; without its `command_id`. */
  readonly body: unknown;
  readonly headers: MessageHeaders;
  readonly correlationId: string;
  readonly actor: string;
  readonly traceparent?: string;
  /** False: as far as this process knows, nobody waits for the outcome, and a refusal reaches no one. */
  readonly isAwaited: () => boolean;
}

/** One durable JetStream consumer, and what to do with each message it delivers. */
export interface Subscription {
  /** Survives restarts; kebab-case, `<context>-<purpose>`: `registry-commands`. */
  readonly durable: string;
  /** `command.registry.>` */
  readonly subject: string;
  /**
   * Thrown errors: a `Fault` that says `give-up` makes a dead letter, anything else a retry. Must
   * be idempotent by `delivery.id`: a handler that outlived its time-out may run beside its successor.
   */
  readonly handle: (delivery: Delivery) => Promise<Settlement>;
  /** Messages being handled at once; default 64. Those with the same order key run one after another. */
  readonly inFlightMax?: number;
  /** Later messages with the same key wait behind an unsettled one, in this process and for a bounded time. Default: the subject. */
  readonly orderKey?: (delivery: Delivery) => string;
  /** Deliveries after which a message is quarantined unrun; default 10. */
  readonly deliveriesMax?: number;
  /** How long `handle` may take before its message is retried; default 60,000. */
  readonly handlerTimeoutMs?: number;
  /** Where messages go that are given up on; default: the bus's own. */
  readonly deadLetters?: DeadLetters;
}

export interface CommandOptions {
  /** Makes the command idempotent: asked again with this id it gets the first answer. */
  readonly id?: string;
  readonly correlationId?: string;
  readonly actor?: string;
  readonly traceparent?: string;
  /** How long to wait for the outcome; default 10,000. */
  readonly timeoutMs?: number;
}

export interface QueryOptions {
  /** Default 5,000. */
  readonly timeoutMs?: number;
  readonly correlationId?: string;
  readonly traceparent?: string;
}

export interface RequestOptions {
  readonly headers?: MessageHeaders;
  readonly timeoutMs: number;
  /** Asked when there is a connection, right before the request is published; false: it is held back. */
  readonly maySend?: () => boolean;
}

/** What a service outside the suite replied. */
export interface Reply {
  readonly body: string;
  readonly headers: MessageHeaders;
}

/** Durable consumption of another context's integration events, in batches. */
export interface EventSubscription {
  /** The publishing context. */
  readonly source: string;
  /** `<context>-<purpose>`: `saga-service-catalog`. */
  readonly durable: string;
  /**
   * Returns when the batch is applied; it is acknowledged then. When it throws, the same batch
   * comes again after a back-off, for ever. Must be idempotent.
   */
  readonly handle: (batch: EventBatch) => Promise<void>;
  /** Default 256. */
  readonly batchMax?: number;
  readonly handlerTimeoutMs?: number;
}

/** A client's connection, as its server names it: what the server says of itself when the client connects. */
export interface ClosedSession {
  readonly server_id: string;
  readonly client_id: number;
  /** `Client Closed`, `Stale Connection`, … */
  readonly reason: string;
}

/** What the bus can do now, for readiness. */
export type BusStatus = 'connected' | 'disconnected' | 'closed';

/** All use of NATS. Subjects are given without the prefix that keeps suites on one server apart. */
export abstract class MessageBus {
  abstract readonly metrics: BusMetrics;

  /** What services send one another. */
  abstract readonly serviceMessages: ServiceMessages;

  abstract status(): BusStatus;

  /** Whether what is sent to the consumers of this process gets here, as far as that is known: the streams may be away while the server is there. */
  abstract takesCommands(): boolean;

  /** Calls `listener` after each reconnection. Returns the unsubscribe function. */
  abstract onReconnect(listener: () => void): () => void;

  /**
   * Puts a command on its stream and waits for its outcome.
   *
   * @throws {NoOutcome} None arrived in time, or before the bus was closed. The command may still be carried out: ask again with the same id.
   * @throws {BusUnavailable} Not connected, or nobody takes it; nothing was sent.
   * @throws {InvalidSubject} @throws {MessageTooLarge}
   */
  abstract command(
    subject: string,
    body: JsonObject,
    options?: CommandOptions,
  ): Promise<CommandOutcome>;

  /** How many commands of `context` wait; undefined when there is no queue of it. */
  abstract commandQueue(context: string): Promise<QueueDepth | undefined>;

  /** Consumes commands durably; returns when the consumer exists and pulls. */
  abstract subscribe(subscription: Subscription): Promise<void>;

  /**
   * Sends a dead letter to the consumer it came from, and to no other. Returns when the stream has it.
   *
   * @param redriveNumber 1 for the first redrive of this letter: the same number again is the same message.
   * @throws {EventsNotConfirmed} The stream may have it or not; the same call again is safe.
   */
  abstract redrive(letter: DeadLetter, redriveNumber: number): Promise<void>;

  /**
   * Whether a copy of a letter of one of the suite's contexts waits to be handled, of whichever redrive. A handled
   * copy, or one that is back in quarantine, waits no more.
   */
  abstract isRedriveWaiting(letter: Pick<DeadLetter, 'consumer' | 'subject'>): Promise<boolean>;

  /**
   * Puts a message of a service on its stream, which is made when it is missing.
   *
   * @throws {EventsNotConfirmed} The stream may have it or not; the same call again is safe for two minutes.
   */
  abstract publishMessage(message: ServiceMessage): Promise<void>;

  /**
   * Shows all that is sent between services and what becomes of it, in batches, each at least once. For one
   * process at a time: two would share it.
   */
  abstract followMessages(listener: FlowListener): Promise<Following>;

  /** Makes the stream of `context`'s integration events if it is missing, and says how it is. */
  abstract ensureEventStream(context: string): Promise<EventStreamState>;

  /** How that stream is; undefined when there is none. */
  abstract eventStreamState(context: string): Promise<EventStreamState | undefined>;

  /**
   * Puts events on their context's stream, in order, and returns when every one is acknowledged.
   *
   * @throws {StreamMissing} Ensure the stream and publish again.
   * @throws {StreamBroken} The stream was made anew if the server says itself that its files are gone: ensure it, and
   * begin where its last message is.
   * @throws {EventsNotConfirmed} Not every one was acknowledged within 5 s.
   */
  abstract publishEvents(events: readonly OutgoingEvent[]): Promise<EventsConfirmed>;

  /** Consumes integration events durably; returns when the consumer exists and pulls. */
  abstract consumeEvents(subscription: EventSubscription): Promise<void>;

  /**
   * Puts evidence on a stream of its own, which nobody can delete from or purge, and returns when it
   * is there. The stream is made when it is missing: it may have been lost, with all that it held.
   *
   * @throws {EventsNotConfirmed} It may be kept or not; the same call again is safe. @throws {BusUnavailable}
   */
  abstract keepEvidence(evidence: Evidence): Promise<void>;

  /** What was kept last on `subject`; undefined when nothing is held. @throws {EvidenceNotRead} */
  abstract newestEvidence(subject: string): Promise<KeptEvidence | undefined>;

  /**
   * What is held on `subject` now, oldest first, at most 1,000 at a time; nothing when there is no
   * stream. The oldest is given up after 400 days or 500,000 messages. @throws {EvidenceNotRead}
   */
  abstract evidence(subject: string): AsyncIterable<readonly KeptEvidence[]>;

  /** Asks the owning context. @throws {NoAnswer} @throws {BusUnavailable} */
  abstract query(
    subject: string,
    payload: JsonObject,
    options?: QueryOptions,
  ): Promise<QueryOutcome>;

  /**
   * Asks a service that is no part of the suite, which replies with any text.
   *
   * @throws {NoAnswer} `nobody-answers`: nothing took the request. `timed-out`: it may be carried out.
   * @throws {BusUnavailable} Not connected; nothing was sent.
   * @throws {RequestHeldBack} `maySend` said no; nothing was sent.
   */
  abstract request(subject: string, body: string, options: RequestOptions): Promise<Reply>;

  /** Answers `subject`, in which `*` stands for any one part; replicas share the questions. What `handle` throws goes to the log, the asker gets an `internal` problem. */
  abstract answer(
    subject: string,
    handle: (payload: unknown, headers: MessageHeaders, subject: string) => Promise<QueryOutcome>,
  ): void;

  /** Fire and forget over core NATS: a wake-up that may be lost. */
  abstract hint(subject: string, payload: JsonObject): void;

  /** Hints that arrive from now on. Returns the unsubscribe function. */
  abstract onHint(
    subject: string,
    listener: (payload: unknown, subject: string) => void,
  ): () => void;

  /**
   * Connections of clients that have closed, from now on, within milliseconds. Silent on a server that is
   * not set up to tell (`SESSION_CLOSED` in its configuration), and of what closed while this process
   * was away: never the only way to notice. Returns the unsubscribe function.
   */
  abstract onSessionClosed(listener: (session: ClosedSession) => void): () => void;

  /** Stops pulling, lets running handlers end (for a bounded time), gives the rest back, disconnects. */
  abstract close(): Promise<void>;
}
