import type { BusMetrics } from '../bus-metrics';
import { NoDeadLetters } from '../errors';
import type { Arrival } from '../handling/arrival';
import type { EventSubscription, Subscription } from '../message-bus';
import { reasonOf } from '../one-line';
import { contextOf, type Subjects } from '../subjects';
import { CommandConsumer } from './command-consumer';
import type { Connection } from './connection';
import { EventConsumer } from './event-consumer';
import type { NatsSettings } from './nats-message-bus-options';
import type { ArrivalDesk } from './nats-arrival';
import { ReplyDesk } from './reply-desk';
import type { ConsumerSpec, StreamSpec } from './stream-spec';
import type { Streams } from './streams';

/** Where a command consumer's messages come from, and where their outcomes go. */
interface CommandSource extends ArrivalDesk {
  readonly stream: StreamSpec;
  readonly durable: string;
  readonly filter: string;
  readonly subjectOf: (physical: string) => string;
  readonly strayReplyOf: (arrival: Arrival) => string | undefined;
  readonly isRetry: boolean;
}

/** All that this process consumes. */
export class Consumers {
  private readonly running: (CommandConsumer | EventConsumer)[] = [];
  private readonly desks = new Map<string, ReplyDesk>();
  private readonly watched = new Set<string>();

  constructor(
    private readonly settings: NatsSettings,
    private readonly connection: Connection,
    private readonly subjects: Subjects,
    private readonly streams: Streams,
    private readonly metrics: BusMetrics,
  ) {}

  /** Two consumers: of the context's commands, and of what is redriven to this one alone. */
  async subscribe(subscription: Subscription): Promise<void> {
    const { durable, subject } = subscription;
    const context = contextOf(subject);
    const desk = this.deskOf(context);
    const commands = this.commandConsumer(subscription, {
      stream: this.streams.commandsOf(context),
      durable,
      filter: subject,
      subjectOf: (physical) => this.subjects.logical(physical),
      answer: (arrival, outcome) => desk.settled(arrival, outcome),
      isAwaited: (arrival) => desk.isAwaited(arrival),
      strayReplyOf: (arrival) => desk.strayReplyOf(arrival),
      isRetry: false,
    });
    const lead = `retry.${durable}.`;
    const redriven = this.commandConsumer(subscription, {
      stream: this.streams.retries(),
      durable: `${durable}-retry`,
      filter: `${lead}>`,
      subjectOf: (physical) => this.subjects.logical(physical).slice(lead.length),
      answer: () => undefined,
      isAwaited: () => false,
      strayReplyOf: () => undefined,
      isRetry: true,
    });
    desk.onCommand(() => commands.expect());
    await Promise.all([commands.start(), redriven.start()]);
  }

  async consumeEvents(subscription: EventSubscription): Promise<void> {
    const { source, durable } = subscription;
    const common = this.common(this.streams.eventsOf(source), durable, `event.${source}.>`);
    const consumer = new EventConsumer({
      ...common,
      consumer: { ...common.consumer, isGuest: true },
      subscription,
      subjects: this.subjects,
    });
    this.running.push(consumer);
    await consumer.start();
  }

  /** Whether none of those of commands waits for its stream. */
  get takeCommands(): boolean {
    return this.running.every((one) => one instanceof EventConsumer || one.isSetUp);
  }

  /** Returns when every running handler has ended and the rest is given back. */
  async stop(): Promise<void> {
    await Promise.all(this.running.map((consumer) => consumer.stop()));
  }

  private commandConsumer(subscription: Subscription, source: CommandSource): CommandConsumer {
    const deadLetters = subscription.deadLetters ?? this.settings.deadLetters;
    if (!deadLetters) throw new NoDeadLetters(subscription.durable);
    const consumer = new CommandConsumer({
      ...this.common(source.stream, source.durable, source.filter),
      subscription,
      deadLetters,
      subjectOf: source.subjectOf,
      answer: source.answer,
      isAwaited: source.isAwaited,
      strayReplyOf: source.strayReplyOf,
      isRetry: source.isRetry,
    });
    this.running.push(consumer);
    return consumer;
  }

  private common(stream: StreamSpec, durable: string, filter: string) {
    const { connection, streams, metrics } = this;
    const { backOff, heartbeatMs, checkMs, ackWaitMs, log } = this.settings;
    this.watchAdvisories(stream.name);
    const consumer: ConsumerSpec = {
      durable: this.subjects.nameOf(durable),
      filter: this.subjects.physical(filter),
      ackWaitMs,
    };
    return { connection, streams, metrics, backOff, heartbeatMs, checkMs, log, stream, consumer };
  }

  private deskOf(context: string): ReplyDesk {
    const known = this.desks.get(context);
    if (known) return known;
    const { connection, subjects, metrics, settings } = this;
    const desk = new ReplyDesk(connection, subjects, context, metrics, settings.log);
    this.desks.set(context, desk);
    return desk;
  }

  /** The second net: should the server ever give a message up itself, somebody hears of it. */
  private watchAdvisories(stream: string): void {
    if (this.watched.has(stream)) return;
    this.watched.add(stream);
    for (const kind of ['MAX_DELIVERIES', 'MSG_TERMINATED'])
      this.connection.nats.subscribe(`$JS.EVENT.ADVISORY.CONSUMER.${kind}.${stream}.>`, {
        callback: (fault, message) => {
          if (fault) return;
          const advisory = message.string();
          this.metrics.serverGaveUp++;
          this.settings.log.error('the server gave a message up', { kind, advisory });
          try {
            this.settings.onServerGaveUp?.(advisory);
          } catch (thrown) {
            this.settings.log.error('nobody took the advisory', { reason: reasonOf(thrown) });
          }
        },
      });
  }
}
