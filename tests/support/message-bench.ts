import { LogDatabase } from '@downbeat/event-store/testing';
import { DownbeatService, type ServiceEvent, type ServiceOptions } from '@downbeat/sdk';
import { MessagingModule } from '@downbeat/messaging-service';
import { startService, type RunningService } from '@downbeat/service-host';
import { eventually } from '@downbeat/test-bench';
import { connect, type NatsConnection } from 'nats';

/** Nobody answers there: services go on without a gateway. */
export const NO_GATEWAY = 'http://127.0.0.1:9';

/** For what a test publishes: the server, or the test, may stand still for a while on a busy machine. */
export const PATIENT = { timeoutMs: 30_000 };

interface Outcome {
  readonly ok: boolean;
  readonly data: unknown;
  readonly position?: number;
  readonly problem?: unknown;
}

/** Where the bench's programs connect, each as its user. */
export interface BenchServer {
  urlOf(user: 'service' | 'operator' | 'orchestrator'): string;
  stop(): Promise<void>;
}

export interface Letter {
  readonly id: string;
  readonly service_name: string;
  readonly topic: string;
  readonly subject: string;
  readonly message_id: string;
  readonly reason: string;
  readonly attempts: number;
  readonly status: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A NATS server of its own that a test may break, the messaging context, and services that send one another messages. */
export class MessageBench {
  private readonly services: DownbeatService[] = [];
  readonly events: (ServiceEvent & { readonly service: string })[] = [];

  private constructor(
    private readonly server: BenchServer,
    private readonly database: LogDatabase,
    private messaging: RunningService,
    /** Any other client. */
    readonly client: NatsConnection,
  ) {}

  static async start(server: BenchServer): Promise<MessageBench> {
    const database = await LogDatabase.create('messages');
    Object.assign(process.env, {
      NATS_URL: server.urlOf('orchestrator'),
      DATABASE_URL_MESSAGING: database.urlOf('messaging'),
      LOG_LEVEL: 'error',
      HOST: '127.0.0.1',
      PORT: '0',
    });
    const messaging = await startMessaging();
    const { host, username, password } = new URL(server.urlOf('operator'));
    const client = await connect({
      servers: host,
      ...(username === '' ? {} : { user: username, pass: password }),
      inboxPrefix: username === '' ? '_INBOX' : `_INBOX.${username}`,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
    });
    return new MessageBench(server, database, messaging, client);
  }

  /** Not started yet. */
  service(name: string, options: Partial<ServiceOptions> = {}): DownbeatService {
    const service = new DownbeatService({
      gatewayUrl: NO_GATEWAY,
      natsUrl: this.server.urlOf('service'),
      service: { service_name: name, service_version: '1.0.0' },
      drainMs: 1_000,
      onEvent: (event) => this.events.push({ ...event, service: name }),
      ...options,
    });
    this.services.push(service);
    return service;
  }

  eventsOf<Type extends ServiceEvent['type']>(
    service: string,
    type: Type,
  ): readonly Extract<ServiceEvent, { type: Type }>[] {
    const all = this.events.filter((event) => event.service === service && event.type === type);
    return all as never;
  }

  /** Starts it, and returns when its consumers are there. */
  async started(service: DownbeatService, name: string): Promise<void> {
    const before = this.eventsOf(name, 'subscribed').length;
    await service.start();
    await eventually(
      () => this.eventsOf(name, 'subscribed').length,
      (count) => expect(count).toBeGreaterThan(before),
      20_000,
    );
  }

  async stopMessaging(): Promise<void> {
    await this.messaging.stop();
  }

  async startMessaging(): Promise<void> {
    this.messaging = await startMessaging();
  }

  async letters(service: string): Promise<readonly Letter[]> {
    const { dead_letters } = (await this.ask('list-dead-letters', {
      consumer: service,
      limit: 200,
    })) as { readonly dead_letters: readonly Letter[] };
    return dead_letters;
  }

  async command(name: string, id: string, body: object = {}): Promise<Record<string, unknown>> {
    const subject = `command.messaging.${name}.${id}`;
    const reply = await this.client.request(subject, JSON.stringify(body), { timeout: 10_000 });
    return reply.json();
  }

  /** @throws {Error} It was not answered. */
  async query(
    name: string,
    input: object,
    as: object = {},
    timeout = 60_000,
  ): Promise<{ readonly data: unknown; readonly position: number }> {
    const body = JSON.stringify({ input, ...as });
    const reply = await this.client.request(`query.messaging.${name}`, body, { timeout });
    const { ok, data, position = 0, problem } = reply.json<Outcome>();
    if (!ok) throw new Error(`${name} was not answered: ${JSON.stringify(problem)}`);
    return { data, position };
  }

  /** What the log has about messages. */
  logged(): Promise<{ readonly events: number; readonly bytes: number }> {
    return this.database.as('messaging', async (client) => {
      const { rows } = await client.query<{ events: number; bytes: number }>(
        `select count(*)::int as events, sum(octet_length(data::text))::float8 as bytes
           from log.event where stream like 'message-flow-%'`,
      );
      return rows[0] ?? { events: 0, bytes: 0 };
    });
  }

  async stop(): Promise<void> {
    await Promise.all(this.services.map((service) => service.stop()));
    await this.messaging.stop();
    await this.client.close();
    await this.server.stop();
    await this.database.drop();
  }

  private async ask(name: string, input: object): Promise<unknown> {
    const body = JSON.stringify({ input });
    const reply = await this.client.request(`query.messaging.${name}`, body, { timeout: 10_000 });
    const { ok, data } = reply.json<Outcome>();
    if (!ok) throw new Error(`${name} was not answered`);
    return data;
  }
}

const startMessaging = (): Promise<RunningService> =>
  startService({ name: 'orchestrator', module: MessagingModule });
