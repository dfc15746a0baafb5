import type { JsonObject } from '@downbeat/eventsourcing';
import type { StreamInfo, Subscription as NatsSubscription } from 'nats';
import type { BackOff } from '../back-off';
import { silentLog, type BusLog } from '../bus-log';
import { BusMetrics } from '../bus-metrics';
import type { CommandOutcome, QueryOutcome } from '../command-outcome';
import type { DeadLetter, DeadLetters } from '../dead-letters';
import { NoDeadLetters, StreamBroken, StreamMissing } from '../errors';
import type { EventsConfirmed, EventStreamState, OutgoingEvent } from '../events';
import type { Arrival } from '../handling/arrival';
import { within } from '../handling/within';
import { HEADER, withoutFirstCopyOnly, type MessageHeaders } from '../headers';
import {
  MessageBus,
  type BusStatus,
  type CommandOptions,
  type EventSubscription,
  type QueryOptions,
  type Reply,
  type RequestOptions,
  type Subscription,
} from '../message-bus';
import { reasonOf } from '../one-line';
import { contextOf, Subjects } from '../subjects';
import { CommandConsumer } from './command-consumer';
import { CommandSender } from './command-sender';
import { Connection } from './connection';
import { EventConsumer } from './event-consumer';
import { EventPublisher } from './event-publisher';
import { Hints } from './hints';
import { Queries } from './queries';
import { Requests } from './requests';
import { ReplyDesk } from './reply-desk';
import { Streams, type StreamBounds, type StreamSpec } from './streams';

export interface NatsMessageBusOptions {
  /** `nats://user:password@host:4222`; several separated by commas. */
  readonly url: string;
  /** Put before every subject, stream and consumer, so that suites and tests share a server; default none. */
  readonly prefix?: string;
  /** Who this is: `registry`, `gateway`. The `ce-source` and default actor of what it sends. */
  readonly name: string;
  /** Where messages go that are given up on; a subscription may bring its own. */
  readonly deadLetters?: DeadLetters;
  readonly log?: BusLog;
  /** Called when the server itself gave a message up, which the bus never asks it to. */
  readonly onServerGaveUp?: (advisory: unknown) => void;
  /** Default 5,000; with 2 pings out a dead server is noticed after 10 to 15 s. */
  readonly pingIntervalMs?: number;
  /** For the first connection; default 30,000. */
  readonly connectTimeoutMs?: number;
  /** For each call of JetStream's API; default 5,000. */
  readonly apiTimeoutMs?: number;
  /** After this long without a sign of its consumer a message is given to another; default 30,000. */
  readonly ackWaitMs?: number;
  /** Between two tries of one message; default 250 ms to 30 s. */
  readonly backOff?: BackOff;
  /** While nothing comes in the server says that it is there this often; default 2,000. */
  readonly heartbeatMs?: number;
  /** How long running handlers may take to end on `close()`; default 10,000. */
  readonly closeTimeoutMs?: number;
  readonly streamBounds?: Partial<StreamBounds>;
}

const DEFAULTS = {
  prefix: '',
  log: silentLog,
  pingIntervalMs: 5_000,
  connectTimeoutMs: 30_000,
  apiTimeoutMs: 5_000,
  ackWaitMs: 30_000,
  backOff: { firstMs: 250, maxMs: 30_000 },
  heartbeatMs: 2_000,
  closeTimeoutMs: 10_000,
};

const STREAM_BOUNDS: StreamBounds = {
  commandBytesMax: 2 ** 30,
  retryBytesMax: 2 ** 28,
  eventBytesMax: 2 ** 30,
  eventAgeMaxMs: 7 * 24 * 3_600_000,
};

const DRAIN_TIMEOUT_MS = 5_000;

type Settings = NatsMessageBusOptions & Required<Pick<NatsMessageBusOptions, keyof typeof DEFAULTS>>;

/** The bus on NATS and JetStream. Works on nats-server 2.9.10 and newer. */
export class NatsMessageBus extends MessageBus {
  private readonly subjects: Subjects;
  private readonly sender: CommandSender;
  private readonly publisher: EventPublisher;
  private readonly queries: Queries;
  private readonly requests: Requests;
  private readonly hints: Hints;
  private readonly commandConsumers: CommandConsumer[] = [];
  private readonly eventConsumers: EventConsumer[] = [];
  private readonly desks = new Map<string, ReplyDesk>();
  private readonly advisories = new Map<string, NatsSubscription[]>();
  private readonly remaking = new Map<string, Promise<void>>();
  private closing: Promise<void> | undefined;

  private constructor(
    private readonly settings: Settings,
    private readonly connection: Connection,
    private readonly streams: Streams,
    readonly metrics: BusMetrics,
  ) {
    super();
    const { prefix, name, log } = settings;
    this.subjects = new Subjects(prefix);
    this.sender = new CommandSender(connection, this.subjects, name, metrics);
    this.publisher = new EventPublisher(connection, this.subjects, metrics);
    this.queries = new Queries(connection, this.subjects, metrics, log);
    this.requests = new Requests(connection, this.subjects);
    this.hints = new Hints(connection, this.subjects, log);
  }

  /** @throws {BusUnavailable} No connection within `connectTimeoutMs`. */
  static async connect(options: NatsMessageBusOptions): Promise<NatsMessageBus> {
    const settings: Settings = { ...DEFAULTS, ...options };
    const subjects = new Subjects(settings.prefix);
    const metrics = new BusMetrics();
    const connection = await Connection.open(
      { ...settings, pingsOutMax: 2 },
      metrics,
      settings.log,
    );
    const manager = await connection.nats.jetstreamManager({
      checkAPI: false,
      timeout: settings.apiTimeoutMs,
    });
    const bounds = { ...STREAM_BOUNDS, ...settings.streamBounds };
    const streams = new Streams(connection.nats, manager, subjects, bounds, metrics, settings.log);
    return new NatsMessageBus(settings, connection, streams, metrics);
  }

  override status(): BusStatus {
    return this.connection.status;
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

  override async subscribe(subscription: Subscription): Promise<void> {
    const context = contextOf(subscription.subject);
    const desk = this.deskOf(context);
    const commands = this.consumer(subscription, {
      stream: this.streams.commandsOf(context),
      durable: subscription.durable,
      filter: subscription.subject,
      subjectOf: (physical) => this.subjects.logical(physical),
      answer: (arrival, outcome) => desk.settled(arrival, outcome),
    });
    const lead = `retry.${subscription.durable}.`;
    const redriven = this.consumer(subscription, {
      stream: this.streams.retries(),
      durable: `${subscription.durable}-retry`,
      filter: `${lead}>`,
      subjectOf: (physical) => this.subjects.logical(physical).slice(lead.length),
      answer: () => undefined,
    });
    this.commandConsumers.push(commands, redriven);
    desk.onCommand(() => commands.expect());
    await Promise.all([commands.start(), redriven.start()]);
  }

  override async redrive(letter: DeadLetter, redriveNumber: number): Promise<void> {
    const message = {
      subject: `retry.${letter.consumer}.${letter.subject}`,
      messageId: `${letter.id}:${redriveNumber}`,
      headers: {
        ...withoutFirstCopyOnly(letter.headers),
        [HEADER.deadLetter]: letter.id,
        [HEADER.originalId]: letter.message_id,
      },
      text: letter.body,
    };
    try {
      await this.publisher.publishTexts([message]);
    } catch (fault) {
      if (fault instanceof StreamMissing) await this.streams.ensure(this.streams.retries());
      else if (fault instanceof StreamBroken) await this.remake(this.streams.retries());
      else throw fault;
      await this.publisher.publishTexts([message]);
    }
    this.metrics.redriven++;
  }

  override async ensureEventStream(context: string): Promise<EventStreamState> {
    return stateOf(await this.streams.ensure(this.streams.eventsOf(context)));
  }

  override async eventStreamState(context: string): Promise<EventStreamState | undefined> {
    const found = await this.streams.find(this.streams.eventsOf(context).name);
    return found && stateOf(found);
  }

  override async publishEvents(events: readonly OutgoingEvent[]): Promise<EventsConfirmed> {
    try {
      return await this.publisher.publish(events);
    } catch (fault) {
      const [first] = events;
      if (first && fault instanceof StreamBroken)
        await this.remake(this.streams.eventsOf(contextOf(first.subject)));
      throw fault;
    }
  }

  override async consumeEvents(subscription: EventSubscription): Promise<void> {
    const { source, durable } = subscription;
    const stream = this.streams.eventsOf(source);
    const consumer = new EventConsumer({
      ...this.common(),
      stream,
      consumer: {
        durable: this.subjects.nameOf(durable),
        filter: this.subjects.physical(`event.${source}.>`),
        ackWaitMs: this.settings.ackWaitMs,
      },
      subscription,
      subjects: this.subjects,
    });
    this.watchAdvisories(stream.name);
    this.eventConsumers.push(consumer);
    await consumer.start();
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
    handle: (payload: unknown, headers: MessageHeaders) => Promise<QueryOutcome>,
  ): void {
    this.queries.answer(subject, handle);
  }

  override hint(subject: string, payload: JsonObject): void {
    this.hints.send(subject, payload);
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

  /** One at a time: a second one would delete what the first one made. */
  private async remake(spec: StreamSpec): Promise<void> {
    const running = this.remaking.get(spec.name);
    if (running) return running;
    const remaking = (async () => {
      const broken = await this.streams.find(spec.name);
      if (broken) await this.streams.remake(spec, String(broken.created));
    })().finally(() => this.remaking.delete(spec.name));
    this.remaking.set(spec.name, remaking);
    return remaking;
  }

  private async shutDown(): Promise<void> {
    const { closeTimeoutMs, log } = this.settings;
    try {
      const stopped = await within(closeTimeoutMs, async () => {
        await Promise.all([
          ...this.commandConsumers.map((consumer) => consumer.stop()),
          ...this.eventConsumers.map((consumer) => consumer.stop()),
        ]);
        return true;
      });
      if (!stopped) log.warn('handlers still run while the bus closes', { closeTimeoutMs });
    } catch (fault) {
      log.error('a consumer could not be stopped', { reason: reasonOf(fault) });
    }
    const { nats } = this.connection;
    if (!nats.isClosed())
      await within(DRAIN_TIMEOUT_MS, () =>
        this.connection.status === 'connected' ? nats.drain() : nats.close(),
      );
    if (!nats.isClosed()) await nats.close();
  }

  private consumer(
    subscription: Subscription,
    from: {
      readonly stream: StreamSpec;
      readonly durable: string;
      readonly filter: string;
      readonly subjectOf: (physical: string) => string;
      readonly answer: (arrival: Arrival, outcome: CommandOutcome) => void;
    },
  ): CommandConsumer {
    const deadLetters = subscription.deadLetters ?? this.settings.deadLetters;
    if (!deadLetters) throw new NoDeadLetters(subscription.durable);
    this.watchAdvisories(from.stream.name);
    return new CommandConsumer({
      ...this.common(),
      stream: from.stream,
      consumer: {
        durable: this.subjects.nameOf(from.durable),
        filter: this.subjects.physical(from.filter),
        ackWaitMs: this.settings.ackWaitMs,
      },
      subscription,
      deadLetters,
      subjectOf: from.subjectOf,
      answer: from.answer,
    });
  }

  private common() {
    const { connection, streams, metrics } = this;
    const { backOff, heartbeatMs, log } = this.settings;
    return { connection, streams, metrics, backOff, heartbeatMs, log };
  }

  private deskOf(context: string): ReplyDesk {
    const known = this.desks.get(context);
    if (known) return known;
    const { connection, subjects, metrics, settings } = this;
    const desk = new ReplyDesk(connection, subjects, context, metrics, settings.log);
    this.desks.set(context, desk);
    return desk;
  }

  /** The second net: should the server ever give up a message itself, somebody hears of it. */
  private watchAdvisories(stream: string): void {
    if (this.advisories.has(stream)) return;
    const subscriptions = ['MAX_DELIVERIES', 'MSG_TERMINATED'].map((kind) =>
      this.connection.nats.subscribe(`$JS.EVENT.ADVISORY.CONSUMER.${kind}.${stream}.>`, {
        callback: (fault, message) => {
          if (fault) return;
          this.metrics.serverGaveUp++;
          const advisory: unknown = message.string();
          this.settings.log.error('the server gave a message up', { kind, advisory });
          this.settings.onServerGaveUp?.(advisory);
        },
      }),
    );
    this.advisories.set(stream, subscriptions);
  }
}

const stateOf = ({ created, state }: StreamInfo): EventStreamState => ({
  created: String(created),
  firstSequence: state.first_seq,
  lastSequence: state.last_seq,
});
