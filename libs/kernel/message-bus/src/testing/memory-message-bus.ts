import { randomUUID } from 'node:crypto';
import { Fault, type JsonObject } from '@downbeat/eventsourcing';
import type { BackOff } from '../back-off';
import { silentLog, type BusLog } from '../bus-log';
import { BusMetrics } from '../bus-metrics';
import type { CommandOutcome, QueryOutcome } from '../command-outcome';
import { redriveMessageId, type DeadLetter, type DeadLetters } from '../dead-letters';
import { BusUnavailable, NoAnswer, NoOutcome, RequestHeldBack } from '../errors';
import type { Evidence, KeptEvidence } from '../evidence';
import type { Following } from '../message-flow';
import type { EventsConfirmed, EventStreamState, OutgoingEvent } from '../events';
import { within } from '../handling/within';
import { HEADER, withoutFirstCopyOnly, type MessageHeaders } from '../headers';
import {
  MessageBus,
  type BusStatus,
  type ClosedSession,
  type CommandOptions,
  type EventSubscription,
  type QueryOptions,
  type Reply,
  type RequestOptions,
  type Subscription,
} from '../message-bus';
import type { QueueDepth } from '../queue-depth';
import { assertSendable, contextOf, covers } from '../subjects';
import { MemoryDeadLetters } from './memory-dead-letters';
import { MemoryEvents } from './memory-events';
import { idAsSent, type ServiceMessage } from '../service-messages';
import { MemoryServiceMessages } from './memory-service-messages';
import { MemoryQueue, type MemoryMessage } from './memory-queue';

export interface MemoryMessageBusOptions {
  /** Default: `MemoryDeadLetters`, to be looked at in `deadLetters`. */
  readonly deadLetters?: DeadLetters;
  /** Default 1 to 20 ms, so that tests need not wait. */
  readonly backOff?: BackOff;
  readonly log?: BusLog;
}

/**
 * The bus without a server, for tests: the real handling, ordering, retries and dead letters, over
 * queues in memory. It has no duplicate window, loses nothing, and forgets everything at the end.
 */
export class MemoryMessageBus extends MessageBus {
  private readonly sessionListeners = new Set<(session: ClosedSession) => void>();
  readonly metrics = new BusMetrics();
  readonly serviceMessages = new MemoryServiceMessages();
  readonly deadLetters: DeadLetters;
  private readonly backOff: BackOff;
  private readonly log: BusLog;
  private readonly events: MemoryEvents;
  private readonly queues = new Map<string, MemoryQueue>();
  private readonly answers = new Map<string, Parameters<MessageBus['answer']>[1]>();
  private readonly kept = new Map<string, KeptEvidence[]>();
  private readonly listeners = new Set<(subject: string, payload: unknown) => void>();
  private readonly reconnected = new Set<() => void>();
  /** Commands nobody subscribes to yet. */
  private stored: MemoryMessage[] = [];
  private readonly redriven = new Set<string>();
  private lastSequence = 0;
  private isClosed = false;

  constructor({
    deadLetters = new MemoryDeadLetters(),
    backOff = { firstMs: 1, maxMs: 20 },
    log = silentLog,
  }: MemoryMessageBusOptions = {}) {
    super();
    this.deadLetters = deadLetters;
    this.backOff = backOff;
    this.log = log;
    this.events = new MemoryEvents(backOff);
  }

  override status(): BusStatus {
    return this.isClosed ? 'closed' : 'connected';
  }

  override takesCommands(): boolean {
    return !this.isClosed;
  }

  override onReconnect(listener: () => void): () => void {
    this.reconnected.add(listener);
    return () => this.reconnected.delete(listener);
  }

  /** Makes believe that the connection broke and came back. */
  reconnect(): void {
    for (const listener of this.reconnected) listener();
  }

  /** What losing the JetStream directory does to the events of `context`. */
  loseEventStream(context: string): void {
    this.events.lose(context);
  }

  override async command(
    subject: string,
    body: JsonObject,
    options: CommandOptions = {},
  ): Promise<CommandOutcome> {
    assertSendable(subject);
    this.assertOpen();
    const { timeoutMs = 10_000, id = randomUUID(), correlationId, actor, traceparent } = options;
    this.metrics.commandsSent++;
    const outcome = await within(timeoutMs, () =>
      this.send(subject, JSON.stringify(body), {
        [HEADER.messageId]: id,
        [HEADER.correlationId]: correlationId ?? id,
        [HEADER.actor]: actor ?? 'memory',
        ...(traceparent === undefined ? {} : { [HEADER.traceparent]: traceparent }),
      }),
    );
    if (outcome) return outcome;
    this.metrics.commandsWithoutOutcome++;
    throw new NoOutcome(subject, id, timeoutMs);
  }

  /** What any client may do: publish anything on a command's subject. Resolves with the outcome, if ever. */
  send(
    subject: string,
    payload: string | Uint8Array,
    headers: MessageHeaders = {},
  ): Promise<CommandOutcome> {
    return new Promise((resolve) => {
      const stream = `command-${contextOf(subject)}`;
      const sequence = ++this.lastSequence;
      const body = Buffer.from(payload);
      const answer = (outcome: CommandOutcome): void => {
        this.metrics.outcomesSent++;
        resolve(outcome);
      };
      this.store({ stream, sequence, subject, headers, body, answer });
    });
  }

  override subscribe(subscription: Subscription): Promise<void> {
    const { backOff, metrics, log } = this;
    const deadLetters = subscription.deadLetters ?? this.deadLetters;
    const queue = new MemoryQueue({ subscription, deadLetters, backOff, metrics, log });
    this.queues.set(subscription.durable, queue);
    const waiting = this.stored;
    this.stored = [];
    for (const message of waiting) this.store(message);
    return Promise.resolve();
  }

  override publishMessage(message: ServiceMessage): Promise<void> {
    this.serviceMessages.hold(++this.lastSequence, message);
    return Promise.resolve();
  }

  /** Nobody reads here. */
  override followMessages(): Promise<Following> {
    return Promise.resolve({ stop: () => Promise.resolve() });
  }

  override redrive(letter: DeadLetter, redriveNumber: number): Promise<void> {
    const messageId = redriveMessageId(letter.id, redriveNumber);
    const queue = this.queues.get(letter.consumer);
    if (!queue) return Promise.reject(new BusUnavailable(`nobody is called ${letter.consumer}`));
    if (this.redriven.has(messageId)) return Promise.resolve();
    this.redriven.add(messageId);
    this.metrics.redriven++;
    queue.deliver({
      stream: 'retry',
      sequence: ++this.lastSequence,
      subject: letter.subject,
      headers: {
        ...withoutFirstCopyOnly(letter.headers),
        [HEADER.messageId]: messageId,
        [HEADER.deadLetter]: letter.id,
        [HEADER.originalId]: idAsSent(letter),
      },
      body: letter.body,
      answer: () => undefined,
    });
    return Promise.resolve();
  }

  /** What it takes is handled in this process, or is lost with it. */
  override isRedriveWaiting(): Promise<boolean> {
    return Promise.resolve(false);
  }

  /** They are handled at once, one after another. */
  override commandQueue(): Promise<QueueDepth | undefined> {
    return Promise.resolve({ messages: 0 });
  }

  override ensureEventStream(context: string): Promise<EventStreamState> {
    return Promise.resolve(this.events.ensure(context));
  }

  override eventStreamState(context: string): Promise<EventStreamState | undefined> {
    return Promise.resolve(this.events.state(context));
  }

  override publishEvents(events: readonly OutgoingEvent[]): Promise<EventsConfirmed> {
    return new Promise((resolve) => resolve(this.events.publish(events)));
  }

  override consumeEvents(subscription: EventSubscription): Promise<void> {
    this.events.consume(subscription);
    return Promise.resolve();
  }

  override keepEvidence({ subject, body }: Evidence): Promise<void> {
    assertSendable(subject);
    const kept = this.kept.get(subject) ?? [];
    const keptAt = new Date().toISOString();
    this.kept.set(subject, [...kept, { sequence: kept.length + 1, keptAt, body: copy(body) }]);
    return Promise.resolve();
  }

  override newestEvidence(subject: string): Promise<KeptEvidence | undefined> {
    return Promise.resolve(this.kept.get(subject)?.at(-1));
  }

  override async *evidence(subject: string): AsyncGenerator<readonly KeptEvidence[]> {
    const kept = this.kept.get(subject);
    if (kept) yield Promise.resolve(kept);
  }

  override async query(
    subject: string,
    payload: JsonObject,
    options: QueryOptions = {},
  ): Promise<QueryOutcome> {
    assertSendable(subject);
    this.assertOpen();
    const pattern = [...this.answers.keys()].find((one) => covers(one, subject));
    const handle = pattern === undefined ? undefined : this.answers.get(pattern);
    if (!handle) throw new NoAnswer(subject, 'nobody-answers');
    const headers = options.correlationId ? { [HEADER.correlationId]: options.correlationId } : {};
    const answered = await within(options.timeoutMs ?? 5_000, () =>
      handle(copy(payload), headers, subject).catch(internalProblem),
    );
    if (!answered) throw new NoAnswer(subject, 'timed-out');
    return answered;
  }

  /** What a service outside the suite would reply, for tests that have one. */
  readonly services = new Map<string, (body: string, headers: MessageHeaders) => Promise<Reply>>();

  override async request(
    subject: string,
    body: string,
    { headers = {}, timeoutMs, maySend }: RequestOptions,
  ): Promise<Reply> {
    this.assertOpen();
    if (maySend?.() === false) throw new RequestHeldBack(subject);
    const reply = this.services.get(subject);
    if (!reply) throw new NoAnswer(subject, 'nobody-answers');
    const replied = await within(timeoutMs, () => reply(body, headers));
    if (!replied) throw new NoAnswer(subject, 'timed-out');
    return replied;
  }

  override answer(
    subject: string,
    handle: (payload: unknown, headers: MessageHeaders, subject: string) => Promise<QueryOutcome>,
  ): void {
    this.answers.set(subject, handle);
  }

  override hint(subject: string, payload: JsonObject): void {
    assertSendable(subject);
    for (const listener of this.listeners) queueMicrotask(() => listener(subject, copy(payload)));
  }

  override onSessionClosed(listener: (session: ClosedSession) => void): () => void {
    this.sessionListeners.add(listener);
    return () => this.sessionListeners.delete(listener);
  }

  /** What a server would say of a client that has gone. */
  closeSession(session: ClosedSession): void {
    for (const listener of this.sessionListeners) listener(session);
  }

  override onHint(
    subject: string,
    listener: (payload: unknown, subject: string) => void,
  ): () => void {
    const hear = (of: string, payload: unknown): void => {
      if (covers(subject, of)) listener(payload, of);
    };
    this.listeners.add(hear);
    return () => this.listeners.delete(hear);
  }

  override async close(): Promise<void> {
    this.isClosed = true;
    this.events.close();
    for (const queue of this.queues.values()) await queue.close();
  }

  private store(message: MemoryMessage): void {
    for (const queue of this.queues.values())
      if (queue.takes(message.subject)) {
        queue.deliver(message);
        return;
      }
    this.stored.push(message);
  }

  private assertOpen(): void {
    if (this.isClosed) throw new BusUnavailable('the bus is closed');
  }
}

const copy = (value: JsonObject): unknown => JSON.parse(JSON.stringify(value));

const internalProblem = (fault: unknown): QueryOutcome => ({
  ok: false,
  problem: {
    code: fault instanceof Fault ? fault.code : 'internal',
    message: 'the question could not be answered; the log says why',
    kind: fault instanceof Fault && fault.remedy === 'retry' ? 'unavailable' : 'internal',
  },
});
