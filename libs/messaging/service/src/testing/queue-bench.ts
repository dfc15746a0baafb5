import { messagingContract } from '@downbeat/contracts';
import type { JsonObject } from '@downbeat/eventsourcing';
import { startService, type RunningService } from '@downbeat/service-host';
import { connect, headers, type JsMsg, type JetStreamManager, type NatsConnection } from 'nats';
import { MessagingModule } from '../messaging.module';
import { QuarantineBench } from './quarantine-bench';

type Shown = Record<string, unknown>;

/** The messaging context on real servers, and a client that knows nothing of the suite. */
export class QueueBench {
  private constructor(
    readonly bench: QuarantineBench,
    readonly nats: NatsConnection,
    readonly manager: JetStreamManager,
    private service: RunningService,
  ) {}

  static async start(purpose: string): Promise<QueueBench> {
    const bench = await QuarantineBench.open(purpose);
    const nats = await connect({ servers: bench.natsUrl });
    const manager = await nats.jetstreamManager();
    Object.assign(process.env, {
      NATS_URL: bench.natsUrl,
      NATS_PREFIX: bench.prefix,
      DATABASE_URL_MESSAGING: bench.database.urlOf('messaging'),
      LOG_LEVEL: 'error',
      HOST: '127.0.0.1',
      PORT: '0',
    });
    return new QueueBench(bench, nats, manager, await startMessaging());
  }

  get stream(): string {
    return `${this.bench.prefix}-message`;
  }

  async restart(between: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    await this.service.stop();
    await between();
    this.service = await startMessaging();
  }

  async stop(): Promise<void> {
    await this.service.stop();
    await this.nats.close();
    await this.bench.close();
  }

  /** @throws {Error} It was refused; `refusal` is for those. */
  async command(name: string, id: string, body: JsonObject): Promise<JsonObject> {
    const outcome = await this.bench.bus.command(`command.messaging.${name}.${id}`, body);
    if (!outcome.accepted) throw new Error(`${outcome.problem.code}: ${outcome.problem.message}`);
    return outcome.answer;
  }

  async refusal(name: string, id: string, body: JsonObject): Promise<string> {
    const outcome = await this.bench.bus.command(`command.messaging.${name}.${id}`, body);
    return outcome.accepted ? 'accepted' : `${outcome.problem.code}: ${outcome.problem.message}`;
  }

  async ask(name: string, input: JsonObject = {}, as: JsonObject = {}): Promise<Shown> {
    const outcome = await this.bench.bus.query(
      `query.messaging.${name}`,
      { input, ...as },
      { timeoutMs: 30_000 },
    );
    if (!outcome.ok) throw new Error(outcome.problem.message);
    return { ...(outcome.data as Shown), position: outcome.position };
  }

  async queue(queue_name: string, as: JsonObject = {}): Promise<Shown | undefined> {
    const { queues } = await this.ask('list-queues', { queue_name }, as);
    return (queues as Shown[])[0];
  }

  async messages(queue_name: string, input: JsonObject = {}): Promise<readonly Shown[]> {
    const { messages } = await this.ask('list-queue-messages', { queue_name, ...input });
    return messages as Shown[];
  }

  async publish(
    queue: string,
    id: string,
    body: object = {},
    more: Readonly<Record<string, string>> = {},
  ): Promise<number> {
    const values = headers();
    const all = { 'Downbeat-Message-Id': id, 'Downbeat-Actor': 'shop', ...more };
    for (const [name, value] of Object.entries(all)) values.set(name, value);
    const subject = `${this.bench.prefix}.message.normal.${queue}`;
    return (await this.nats.jetstream().publish(subject, JSON.stringify(body), { headers: values }))
      .seq;
  }

  /** What is there for a consumer as soon as there is so much, or within so long; not acknowledged. */
  async pull(durable: string, max: number, ms = 30_000): Promise<readonly JsMsg[]> {
    const name = `${this.bench.prefix}-${durable}`;
    const consumer = await this.nats.jetstream().consumers.get(this.stream, name);
    const messages: JsMsg[] = [];
    for await (const one of await consumer.fetch({ max_messages: max, expires: ms }))
      messages.push(one);
    return messages;
  }

  ownConsumer(service: string, queue: string): string {
    return messagingContract.messageConsumer(service, queue, 'normal');
  }
}

const startMessaging = (): Promise<RunningService> =>
  startService({ name: 'orchestrator', module: MessagingModule });
