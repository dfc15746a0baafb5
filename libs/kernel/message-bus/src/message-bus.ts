import type { JsonObject } from '@downbeat/eventsourcing';
import type { CommandOutcome, QueryOutcome } from './command-outcome';
import type { Settlement } from './settlement';

/** One arrival of a command. */
export interface Delivery {
  /** The same for every redelivery of this message: `Nats-Msg-Id`, `command_id` in the body, or the place in the stream. */
  readonly id: string;
  /** `command.<context>.<Name>.<id>`, without the bus's prefix. */
  readonly subject: string;
  /** 1 for the first time. */
  readonly deliveries: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
  readonly correlationId: string;
  readonly actor: string;
  readonly traceparent?: string;
}

/** One durable JetStream consumer, and what to do with each message it delivers. */
export interface Subscription {
  /** Survives restarts; kebab-case, `<context>-<purpose>`: `registry-commands`. */
  readonly durable: string;
  /** `command.registry.>` */
  readonly subject: string;
  readonly handle: (delivery: Delivery) => Promise<Settlement>;
  /** Messages being handled at once; default 64. Those with the same order key run one after another. */
  readonly inFlightMax?: number;
  /** Later messages with the same key wait behind an unsettled or quarantined one. Default: the subject. */
  readonly orderKey?: (delivery: Delivery) => string;
  /** Deliveries after which a message is quarantined unrun; default 10. */
  readonly deliveriesMax?: number;
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

/** An integration event on its way out. */
export interface OutgoingEvent {
  /** `event.<context>.<Name>.<id>` */
  readonly subject: string;
  /** For the server's duplicate window. */
  readonly messageId: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: JsonObject;
}

export interface QueryOptions {
  readonly timeoutMs?: number;
  readonly correlationId?: string;
  readonly traceparent?: string;
}

/** All use of NATS. Subjects are given without the prefix that keeps suites on one server apart. */
export abstract class MessageBus {
  /**
   * Puts a command on its stream and waits for its outcome.
   *
   * @throws {NoOutcome} None arrived in time. The command may still be carried out: ask again with the same id.
   * @throws {BusUnavailable} Not connected; nothing was sent.
   */
  abstract command(subject: string, body: JsonObject, options?: CommandOptions): Promise<CommandOutcome>;

  /** Consumes commands durably; returns when the consumer exists and pulls. */
  abstract subscribe(subscription: Subscription): Promise<void>;

  /** Asks the owning context. @throws {NoAnswer} @throws {BusUnavailable} */
  abstract query(subject: string, payload: JsonObject, options?: QueryOptions): Promise<QueryOutcome>;

  /** Answers `subject`; replicas share the questions. */
  abstract answer(
    subject: string,
    handle: (payload: unknown, headers: Readonly<Record<string, string>>) => Promise<QueryOutcome>,
  ): void;

  /** Fire and forget over core NATS: a wake-up that may be lost. */
  abstract hint(subject: string, payload: JsonObject): void;

  /** Hints that arrive from now on. Returns the unsubscribe function. */
  abstract onHint(subject: string, listener: (payload: unknown, subject: string) => void): () => void;
}
