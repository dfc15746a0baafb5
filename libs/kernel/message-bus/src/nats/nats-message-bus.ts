import type { JsonObject } from '@downbeat/eventsourcing';
import type { StreamInfo } from 'nats';
import { BusMetrics } from '../bus-metrics';
import type { CommandOutcome, QueryOutcome } from '../command-outcome';
import { redriveMessageId, type DeadLetter } from '../dead-letters';
import { StreamBroken, StreamMissing } from '../errors';
import type { Evidence, KeptEvidence } from '../evidence';
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
import type { FlowListener, Following } from '../message-flow';
import { reasonOf } from '../one-line';
import type { QueueDepth } from '../queue-depth';
import { idAsSent, MESSAGE_LEAD, redriveSubject, type ServiceMessage } from '../service-messages';
import { contextOf, Subjects } from '../subjects';
import { CommandSender } from './command-sender';
import { Connection } from './connection';
import { Consumers } from './consumers';
import { EventPublisher, type OutgoingMessage } from './event-publisher';
import { EvidenceStreams } from './evidence-streams';
import { followMessages } from './flow';
import { Hints } from './hints';
import { MessageStream } from './message-stream';
import {
  settingsOf,
  type NatsMessageBusOptions,
  type NatsSettings,
} from './nats-message-bus-options';
import { Queries } from './queries';
import { Requests } from './requests';
import { Sessions } from './sessions';
import type { StreamSpec } from './stream-spec';
import { Streams } from './streams';

const PINGS_OUT_MAX = 2;
const DRAIN_TIMEOUT_MS = 5_000;

/** The bus on NATS and JetStream. Works on nats-server 2.9.10 and newer. */
export class NatsMessageBus extends MessageBus {
  private readonly sender: CommandSender;
  private readonly publisher: EventPublisher;
  private readonly consumers: Consumers;
  private readonly queries: Queries;
  private readonly requests: Requests;
  private readonly hints: Hints;
  private readonly sessions: Sessions;
  private closing: Promise<void> | undefined;

  private constructor(
    private readonly settings: NatsSettings,
    private readonly connection: Connection,
    private readonly streams: Streams,
    private readonly kept: EvidenceStreams,
    readonly serviceMessages: MessageStream,
    private readonly subjects: Subjects,
    readonly metrics: BusMetrics,
  ) {
    super();
    const { name, log } = settings;
    this.sender = new CommandSender(connection, subjects, name, metrics);
    this.publisher = new EventPublisher(connection, subjects, metrics);
    this.consumers = new Consumers(settings, connection, subjects, streams, metrics);
    this.queries = new Queries(connection, subjects, metrics, log);
    this.requests = new Requests(connection, subjects);
    this.hints = new Hints(connection, subjects, log);
    this.sessions = new Sessions(connection, log);
  }

  /** @throws {BusUnavailable} No connection within `connectTimeoutMs`. */
  static async connect(options: NatsMessageBusOptions): Promise<NatsMessageBus> {
    const settings = settingsOf(options);
    const { prefix, log, apiTimeoutMs, streamBounds } = settings;
    const subjects = new Subjects(prefix);
    const metrics = new BusMetrics();
    const connection = await Connection.open(
      { ...settings, pingsOutMax: PINGS_OUT_MAX },
      metrics,
      log,
    );
    const { nats } = connection;
    const manager = await nats.jetstreamManager({ checkAPI: false, timeout: apiTimeoutMs });
    const streams = new Streams(nats, manager, subjects, streamBounds, metrics, log);
    const kept = new EvidenceStreams(manager, streams, subjects);
    const messageBounds = { ...streamBounds, apiTimeoutMs };
    const messages = new MessageStream(nats, manager, streams, subjects, messageBounds);
    return new NatsMessageBus(settings, connection, streams, kept, messages, subjects, metrics);
  }

  override status(): BusStatus {
    return this.connection.status;
  }

  override takesCommands(): boolean {
    return this.consumers.takeCommands;
  }

  override onReconnect(listener: () => void): () => void {
    return this.connection.onReconnect(listener);
  }

  override command(
    subject: string,
    body: JsonObject,
    options?: CommandOptions,
  ): Promise<CommandOutcome> {
    return this.sender.send(subject, body, options);
  }

  override async commandQueue(context: string): Promise<QueueDepth | undefined> {
    const found = await this.streams.find(this.streams.commandsOf(context).name);
    if (!found) return undefined;
    const { messages, first_ts } = found.state;
    return messages === 0 ? { messages } : { messages, oldestAt: String(first_ts) };
  }

  override subscribe(subscription: Subscription): Promise<void> {
    return this.consumers.subscribe(subscription);
  }

  override async redrive(letter: DeadLetter, redriveNumber: number): Promise<void> {
    const message = {
      subject: redriveSubject(letter.consumer, letter.subject),
      messageId: redriveMessageId(letter.id, redriveNumber),
      headers: {
        ...withoutFirstCopyOnly(letter.headers),
        [HEADER.deadLetter]: letter.id,
        [HEADER.originalId]: idAsSent(letter),
      },
      payload: letter.body,
    };
    if (letter.subject.startsWith(MESSAGE_LEAD)) await this.publishMessage(message);
    else await this.publishOn(this.streams.retries(), message);
    this.metrics.redriven++;
  }

  override async isRedriveWaiting({
    consumer,
    subject,
  }: Pick<DeadLetter, 'consumer' | 'subject'>): Promise<boolean> {
    return (
      (await this.streams.heldOn(this.streams.retries(), redriveSubject(consumer, subject))) > 0
    );
  }

  /**
   * Whoever hears of a message can write to where its acknowledgement goes: what services sent is not thrown away
   * because of what stands there, but when the server itself cannot write to the stream.
   */
  override async publishMessage(message: ServiceMessage): Promise<void> {
    try {
      await this.publisher.publishMessages([message]);
    } catch (fault) {
      if (!(fault instanceof StreamMissing) && !(fault instanceof StreamBroken)) throw fault;
      await this.serviceMessages.ensure([]);
      await this.publisher.publishMessages([message]);
    }
  }

  override followMessages(listener: FlowListener): Promise<Following> {
    const { settings, connection, subjects, streams, metrics } = this;
    const messages = this.serviceMessages.spec;
    return followMessages({ settings, connection, subjects, streams, metrics, messages }, listener);
  }

  override async keepEvidence({ subject, messageId, body }: Evidence): Promise<void> {
    const message = { subject, messageId, headers: {}, payload: JSON.stringify(body) };
    await this.publishOn(this.kept.specOf(subject), message);
  }

  override newestEvidence(subject: string): Promise<KeptEvidence | undefined> {
    return this.kept.newest(subject);
  }

  override evidence(subject: string): AsyncIterable<readonly KeptEvidence[]> {
    return this.kept.all(subject);
  }

  override async ensureEventStream(context: string): Promise<EventStreamState> {
    return stateOf(await this.streams.ensureStoring(this.streams.eventsOf(context)));
  }

  override async eventStreamState(context: string): Promise<EventStreamState | undefined> {
    const found = await this.streams.find(this.streams.eventsOf(context).name);
    return found && stateOf(found);
  }

  override async publishEvents(events: readonly OutgoingEvent[]): Promise<EventsConfirmed> {
    try {
      return await this.publisher.publish(events);
    } catch (fault) {
      if (fault instanceof StreamBroken)
        await this.streams.ensureStoring(this.streams.eventsOf(contextOf(fault.subject)));
      throw fault;
    }
  }

  override consumeEvents(subscription: EventSubscription): Promise<void> {
    return this.consumers.consumeEvents(subscription);
  }

  override query(
    subject: string,
    payload: JsonObject,
    options?: QueryOptions,
  ): Promise<QueryOutcome> {
    return this.queries.query(subject, payload, options);
  }

  override request(subject: string, body: string, options: RequestOptions): Promise<Reply> {
    return this.requests.request(subject, body, options);
  }

  override answer(
    subject: string,
    handle: (payload: unknown, headers: MessageHeaders, subject: string) => Promise<QueryOutcome>,
  ): void {
    this.queries.answer(subject, handle);
  }

  override hint(subject: string, payload: JsonObject): void {
    this.hints.send(subject, payload);
  }

  override onSessionClosed(listener: (session: ClosedSession) => void): () => void {
    return this.sessions.listen(listener);
  }

  override onHint(
    subject: string,
    listener: (payload: unknown, subject: string) => void,
  ): () => void {
    return this.hints.listen(subject, listener);
  }

  override close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  /** Makes the stream when it is missing, and again when its files are gone. */
  private async publishOn(stream: StreamSpec, message: OutgoingMessage): Promise<void> {
    try {
      await this.publisher.publishMessages([message]);
    } catch (fault) {
      if (fault instanceof StreamMissing) await this.streams.ensure(stream);
      else if (fault instanceof StreamBroken) await this.streams.ensureStoring(stream);
      else throw fault;
      await this.publisher.publishMessages([message]);
    }
  }

  private async shutDown(): Promise<void> {
    const { closeTimeoutMs, log } = this.settings;
    try {
      const stopped = await within(closeTimeoutMs, () => this.consumers.stop().then(() => true));
      if (!stopped) log.warn('handlers still run while the bus closes', { closeTimeoutMs });
    } catch (fault) {
      log.error('a consumer could not be stopped', { reason: reasonOf(fault) });
    }
    const { nats, status } = this.connection;
    this.connection.retire();
    if (!nats.isClosed() && status === 'connected')
      await within(DRAIN_TIMEOUT_MS, () => nats.drain());
    if (!nats.isClosed()) await nats.close();
  }
}

const stateOf = ({ created, state }: StreamInfo): EventStreamState => ({
  created: String(created),
  firstSequence: state.first_seq,
  lastSequence: state.last_seq,
});
