import type { EventStore } from '@downbeat/event-store';
import type { Message } from '@downbeat/eventsourcing';
import type { DeadLetters, MessageBus } from '@downbeat/message-bus';
import type { ProjectionRunner } from '@downbeat/projections';
import {
  busTransport,
  PublicationLog,
  react,
  Receipts,
  Relay,
  servePublications,
  SessionLock,
  type Publications,
  type Subscriber,
} from '@downbeat/publishing';
import { Logger } from '@nestjs/common';
import type { CommandBus } from '@nestjs/cqrs';
import { CommandEntrance } from '../entrance/command-entrance';
import type { Clock } from './clock';
import type { ContextDefinition, ContextStart } from './context-definition';
import type { ContextPool } from './context-pool';

export interface ContextParts {
  readonly bus: MessageBus;
  readonly store: EventStore;
  readonly pool: ContextPool;
  readonly runner: ProjectionRunner;
  readonly deadLetters: DeadLetters;
  readonly commands: CommandBus;
  readonly clock: Clock;
}

/** Everything a context runs besides answering: commands in, publications out, reactions. */
export class ContextRuntime<Event extends Message = Message> {
  private readonly logger = new Logger(ContextRuntime.name);
  private readonly subscribers = new Map<string, Subscriber>();
  private relay: Relay<Event> | undefined;

  constructor(
    private readonly definition: ContextDefinition<Event>,
    private readonly parts: ContextParts,
  ) {}

  get context(): string {
    return this.definition.context;
  }

  /** Begins to work. What others rely on comes first: publications, then reactions, then commands. */
  async start({ reactors = [] }: ContextStart = {}): Promise<void> {
    const { context, publications, commands } = this.definition;
    const { bus, store, pool, deadLetters, clock } = this.parts;
    if (publications) await this.startRelay(publications);
    const receipts = new Receipts(pool.pool);
    for (const reactor of reactors)
      this.subscribers.set(reactor.consumer, await react(bus, reactor, store, receipts));
    bus.answer(`query.${context}.status`, async () => ({
      ok: true,
      position: await store.head(),
      data: this.status(),
    }));
    bus.answer(`query.${context}.verify-read-model`, (payload) => this.verify(payload));
    if (commands.length === 0) return;
    const entrance = new CommandEntrance(commands, this.parts.commands, () => clock.now());
    await bus.subscribe({
      deadLetters,
      durable: `${context}-commands`,
      subject: `command.${context}.>`,
      handle: (delivery) => entrance.handle(delivery),
    });
  }

  /** Answers from memory. */
  status() {
    return {
      context: this.context,
      projections: this.parts.runner.status(),
      ...(this.relay ? { relay: this.relay.status() } : {}),
      reactors: Object.fromEntries(
        [...this.subscribers].map(([name, subscriber]) => [name, subscriber.status()]),
      ),
    };
  }

  async stop(): Promise<void> {
    await this.relay?.stop();
  }

  private async startRelay(publications: Publications<Event>): Promise<void> {
    const { bus, store, pool } = this.parts;
    const log = new PublicationLog(pool.pool, store, publications);
    await log.prepare();
    servePublications(bus, this.context, log);
    this.relay = new Relay(
      store,
      log,
      new Receipts(pool.pool),
      busTransport(bus),
      new SessionLock(pool.pool, `downbeat relay ${this.context}`),
      {
        onFault: (fault) => this.logger.warn({ err: fault }, 'publications wait'),
        onFind: (find) => this.logger.error(find, 'the bus had lost publications; sending again'),
      },
    );
    this.relay.start();
  }

  private async verify(payload: unknown) {
    const { name } = payload as { name?: unknown };
    const { runner } = this.parts;
    if (typeof name !== 'string' || runner.status().every((one) => one.name !== name)) {
      const message = `${this.context} has no such read model`;
      return { ok: false, problem: { code: 'read-model-unknown', message, kind: 'not-found' } } as const;
    }
    const data = await runner.verify(name);
    return { ok: true, position: data.position, data } as const;
  }
}
