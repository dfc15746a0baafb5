import { randomBytes } from 'node:crypto';
import { LogDatabase } from '@downbeat/event-store/testing';
import { CONTEXTS } from '@downbeat/event-store';
import type { JsonObject } from '@downbeat/eventsourcing';
import {
  NatsMessageBus,
  type CommandOptions,
  type CommandOutcome,
  type MessageBus,
  type QueryOutcome,
} from '@downbeat/message-bus';
import { removeStreams } from '@downbeat/message-bus/testing';
import { startService, type HostedService, type RunningService } from '@downbeat/service-host';
import { eventually } from './eventually';
import { TcpGate } from './tcp-gate';

/** More than the owner of a read model waits for a position. */
const QUERY_MS_MAX = 10_000;
const TRIES_MAX = 4;

export interface TestBenchOptions {
  /** Started in this order, stopped in the reverse one. */
  readonly services: readonly HostedService[];
  /** Settings beside those the bench makes itself. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** An event of the log, whoever's it is. */
export interface BenchEvent {
  readonly position: number;
  readonly version: number;
  readonly type: string;
  readonly data: JsonObject;
  readonly meta: JsonObject;
}

export interface BenchDeadLetter {
  readonly consumer: string;
  readonly subject: string;
  readonly message_id: string;
  readonly reason: string;
  readonly attempts: number;
  readonly status: string;
}

/**
 * Real Postgres and NATS for one test file: a database and a prefix of its own, with services of the
 * suite in this process. Tests send through the front door and ask through the front door.
 */
export class TestBench {
  private readonly running = new Map<string, RunningService>();
  /** Of the newest command that was accepted: what is asked next knows of it. */
  private position = 0;

  private constructor(
    private readonly services: readonly HostedService[],
    readonly database: LogDatabase,
    readonly bus: MessageBus,
    readonly prefix: string,
    readonly natsUrl: string,
    /** Between the services and Postgres: what is shut, they cannot reach. */
    readonly databaseGate: TcpGate,
    /** What the services are started with, beside their port. */
    readonly settings: Readonly<Record<string, string>>,
  ) {}

  /** @throws {Error} No server is configured: a missing server fails the run. */
  static async start({ services, environment = {} }: TestBenchOptions): Promise<TestBench> {
    const natsUrl = process.env['DOWNBEAT_TEST_NATS_URL'];
    if (!natsUrl) throw new Error('DOWNBEAT_TEST_NATS_URL is not set');
    const prefix = `tb${randomBytes(5).toString('hex')}`;
    const database = await LogDatabase.create('bench');
    const gate = await TcpGate.open(database.ownerUrl);
    const roles = CONTEXTS.map((context) => [
      `DATABASE_URL_${context.toUpperCase()}`,
      gate.through(database.urlOf(context)),
    ]);
    const settings = {
      NATS_URL: natsUrl,
      NATS_PREFIX: prefix,
      DOWNBEAT_MODE: 'development',
      LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'error',
      ...(Object.fromEntries(roles) as Record<string, string>),
      ...environment,
    };
    const bus = await NatsMessageBus.connect({ url: natsUrl, prefix, name: 'bench' });
    const bench = new TestBench(services, database, bus, prefix, natsUrl, gate, settings);
    try {
      for (const { name } of services) await bench.startService(name);
    } catch (fault) {
      await bench.stop();
      throw fault;
    }
    return bench;
  }

  /** Where the HTTP side of a running service is. */
  urlOf(name: string): string {
    return this.runningOf(name).url;
  }

  runningOf(name: string): RunningService {
    const running = this.running.get(name);
    if (!running) throw new Error(`${name} does not run on this bench`);
    return running;
  }

  async startService(name: string): Promise<void> {
    const service = this.services.find((one) => one.name === name);
    if (!service || this.running.has(name)) throw new Error(`${name} cannot be started`);
    this.running.set(name, await startService(service, { ...this.settings, PORT: '0' }));
  }

  /** As on SIGTERM: ordered, with the database and the streams left as they are. */
  async stopService(name: string): Promise<void> {
    const running = this.runningOf(name);
    this.running.delete(name);
    await running.stop();
  }

  async restart(name: string): Promise<void> {
    await this.stopService(name);
    await this.startService(name);
  }

  /** @param subject `command.<context>.<Name>.<id>` */
  async command(
    subject: string,
    body: JsonObject = {},
    options?: CommandOptions,
  ): Promise<CommandOutcome> {
    const outcome = await this.bus.command(subject, body, options);
    if (outcome.accepted) this.position = Math.max(this.position, outcome.position);
    return outcome;
  }

  /** The same, for what must be accepted. @returns Its position. */
  async accepted(
    subject: string,
    body: JsonObject = {},
    options?: CommandOptions,
  ): Promise<number> {
    const outcome = await this.command(subject, body, options);
    if (!outcome.accepted)
      throw new Error(`${subject} was refused: ${JSON.stringify(outcome.problem)}`);
    return outcome.position;
  }

  /**
   * @param subject `query.<context>.<name>`
   * @param as Which moment: `at`, `min_position`; by default one that knows of all accepted commands.
   */
  async query(subject: string, input: JsonObject = {}, as: JsonObject = {}): Promise<QueryOutcome> {
    const moment = 'at' in as ? as : { min_position: this.position, ...as };
    for (let tries = 1; ; tries++) {
      const asked = { input, ...moment };
      const outcome = await this.bus.query(subject, asked, { timeoutMs: QUERY_MS_MAX });
      // What is behind or too busy says so, and is asked again as a client would.
      const isLater = !outcome.ok && outcome.problem.kind === 'unavailable';
      if (!isLater || tries === TRIES_MAX) return outcome;
    }
  }

  /** The same, for what must be answered. @returns The data. */
  async answer<Answer>(
    subject: string,
    input: JsonObject = {},
    as: JsonObject = {},
  ): Promise<Answer> {
    const outcome = await this.query(subject, input, as);
    if (!outcome.ok) throw new Error(`${subject}: ${JSON.stringify(outcome.problem)}`);
    return outcome.data as Answer;
  }

  eventually<Answer>(
    ask: () => Promise<Answer> | Answer,
    expect: (answer: Answer) => unknown,
    withinMs?: number,
  ): Promise<Answer> {
    return eventually(ask, expect, withinMs);
  }

  /** What a stream of the log holds, oldest first. */
  events(stream: string): Promise<readonly BenchEvent[]> {
    return this.rows<BenchEvent>(
      `select position::int, version::int, type, data, meta from log.event
       where stream = $1 order by version`,
      [stream],
    );
  }

  deadLetters(): Promise<readonly BenchDeadLetter[]> {
    return this.rows<BenchDeadLetter>(
      `select consumer, subject, message_id, reason, attempts::int, status
       from log.dead_letter order by message_id`,
      [],
    );
  }

  /** Asks the database as its owner, past all rights. */
  async rows<Row>(text: string, values: readonly unknown[]): Promise<readonly Row[]> {
    return this.database.asOwner(async (owner) => {
      const { rows } = await owner.query(text, [...values]);
      return rows as readonly Row[];
    });
  }

  /** JetStream loses everything this bench has on it, while all services run. */
  async loseStreams(): Promise<void> {
    await removeStreams(this.natsUrl, this.prefix);
  }

  async stop(): Promise<void> {
    for (const name of [...this.running.keys()].reverse()) await this.stopService(name);
    await this.databaseGate.shut();
    await this.bus.close();
    await removeStreams(this.natsUrl, this.prefix);
    await this.database.drop();
  }
}
