import type { EventStore } from '@downbeat/event-store';
import type { Message } from '@downbeat/eventsourcing';
import type { DeadLetters, MessageBus } from '@downbeat/message-bus';
import type { ProjectionRunner } from '@downbeat/projections';
import {
  busTransport,
  PostgresReceipts,
  PublicationLog,
  react,
  Relay,
  servePublications,
  SessionLock,
  type Publications,
  type Subscriber,
} from '@downbeat/publishing';
import { Logger } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import type { CommandBus } from '@nestjs/cqrs';
import type { DebugLogs, Tell } from '../debugging/debug-logs';
import type { CONTEXT_TOPICS } from '../debugging/debug-names';
import { toldCommands, toldPublications } from '../debugging/told';
import { CommandEntrance } from '../entrance/command-entrance';
import type { HostMetrics } from '../metering/host-metrics';
import type { Clock } from './clock';
import type { ContextDefinition, ContextStart } from './context-definition';
import type { ContextPool } from './context-pool';
import { DatabaseWatch } from './database-watch';
import { ForgottenAnswers } from './forgotten-answers';
import { assertServed } from './served-contracts';
import { tracedPublications } from './traced-steps';
import { verifyReadModel } from './verify-read-model';

export interface ContextParts {
  readonly bus: MessageBus;
  readonly store: EventStore;
  readonly pool: ContextPool;
  readonly runner: ProjectionRunner;
  readonly deadLetters: DeadLetters;
  readonly commands: CommandBus;
  readonly clock: Clock;
  /** The log's schema. */
  readonly logName: string;
  readonly answersKeptDays: number;
  /** Everything in the process, to look for handlers in. */
  readonly modules: ModulesContainer;
  readonly debugLogs: DebugLogs;
  readonly metrics: HostMetrics;
}

/** Everything a context runs besides answering: commands in, publications out, reactions. */
export class ContextRuntime<Event extends Message = Message> {
  private readonly logger = new Logger(ContextRuntime.name);
  private readonly subscribers = new Map<string, Subscriber>();
  private readonly database: DatabaseWatch;
  private readonly forgotten: ForgottenAnswers;
  private relay: Relay | undefined;

  constructor(
    private readonly definition: ContextDefinition<Event>,
    private readonly parts: ContextParts,
  ) {
    const { pool, clock, logName, answersKeptDays } = parts;
    this.forgotten = new ForgottenAnswers(pool, logName, answersKeptDays);
    this.database = new DatabaseWatch(pool, definition.context, () => clock.now());
  }

  get context(): string {
    return this.definition.context;
  }

  get takesCommands(): boolean {
    return this.definition.commands.length > 0;
  }

  /**
   * Begins to work. What others rely on comes first: publications, then reactions, then commands.
   *
   * @throws {ContractNotServed} Nothing has begun.
   */
  async start({ reactors = [] }: ContextStart = {}): Promise<void> {
    const { context, publications, commands } = this.definition;
    const { bus, store, deadLetters, clock, metrics } = this.parts;
    assertServed(this.definition, this.parts.modules);
    await this.database.start();
    this.forgotten.start();
    if (publications) await this.startRelay(publications);
    const onForeign = (fault: Error): void =>
      this.logger.warn({ err: fault }, "a message on an event stream is not the suite's");
    for (const reactor of reactors) {
      const { consumer } = reactor;
      const onHalved = (err: unknown, publications: number): void =>
        this.logger.warn({ err, consumer, publications }, 'publications are applied in parts');
      const subscriber = await react(bus, reactor, store, { onForeign, onHalved });
      this.subscribers.set(reactor.consumer, subscriber);
    }
    bus.answer(`query.${context}.status`, async () => ({
      ok: true,
      position: await store.head(),
      data: this.status(),
    }));
    bus.answer(`query.${context}.verify-read-model`, (payload) =>
      verifyReadModel(context, this.parts.runner, payload),
    );
    if (commands.length === 0) return;
    const entrance = new CommandEntrance(commands, this.parts.commands, store, () => clock.now());
    await bus.subscribe({
      deadLetters,
      durable: `${context}-commands`,
      subject: `command.${context}.>`,
      orderKey: (delivery) => entrance.orderKeyOf(delivery),
      handle: metrics.commands.measured(
        context,
        new Set(commands.map(({ contract }) => contract.name)),
        toldCommands((delivery) => entrance.handle(delivery), this.tellOf('commands')),
      ),
    });
  }

  /** Answers from memory. */
  status() {
    return {
      context: this.context,
      database: this.database.isReachable() ? 'reachable' : 'unreachable',
      projections: this.parts.runner.status(),
      ...(this.relay ? { relay: this.relay.status() } : {}),
      reactors: Object.fromEntries(
        [...this.subscribers].map(([name, subscriber]) => [name, subscriber.status()]),
      ),
    };
  }

  async stop(): Promise<void> {
    await this.relay?.stop();
    await this.forgotten.stop();
    await this.database.stop();
  }

  private async startRelay(publications: Publications<Event>): Promise<void> {
    const { bus, store, pool } = this.parts;
    const log = new PublicationLog(pool.pool, store, publications);
    await log.prepare();
    servePublications(bus, this.context, log);
    this.relay = new Relay(
      store,
      log,
      new PostgresReceipts(pool.pool, this.parts.logName),
      toldPublications(tracedPublications(busTransport(bus)), this.tellOf('publications')),
      new SessionLock(pool.pool, `downbeat relay ${this.context}`),
      {
        onFault: (fault) => this.logger.warn({ err: fault }, 'publications wait'),
        onFind: (find) => this.logger.error(find, 'the bus had lost publications; sending again'),
      },
    );
    this.relay.start();
  }

  private tellOf(topic: (typeof CONTEXT_TOPICS)[number]): Tell | undefined {
    return this.parts.debugLogs.of(`downbeat:${this.context}:${topic}`);
  }
}
