import { headers, NatsError, type JsMsg, type NatsConnection } from 'nats';
import type { MessageBench } from './message-bench';

/** A sender that cannot wait for each message. */
const IN_FLIGHT = 250;
const QUARANTINED_AT_ONCE = 8;
const ATTEMPTS_MAX = 30;
const SERVICES = ['stock', 'mail'] as const;
const PRIORITY = 'normal';

/** What must be true of a queue at the end, as the test knows it by itself. */
export interface Expected {
  readonly produced: Set<string>;
  duplicates: number;
  readonly consumed: Record<string, Set<string>>;
  readonly dead: Record<string, Set<string>>;
}

/** Every 97th is sent once more, every 41st is given back once, every 101st is poison for one service. */
const isCopied = (n: number): boolean => n % 97 === 5;
const isGivenBack = (n: number): boolean => n % 41 === 7;
const isPoison = (n: number, service: string): boolean => n % 101 === 9 && service === 'mail';
const numberOf = (id: string): number => Number(id.slice(2));

/** Messages of a sender and acknowledgements of consumers that know nothing of the suite, over the real bus. */
export class QueueLoad {
  readonly expected: Expected = {
    produced: new Set(),
    duplicates: 0,
    consumed: { stock: new Set(), mail: new Set() },
    dead: { stock: new Set(), mail: new Set() },
  };

  constructor(
    private readonly bench: MessageBench,
    private readonly queue: string,
    private readonly count: number,
  ) {}

  async run(): Promise<void> {
    await this.bench.command('CreateQueue', this.queue, {
      queue_type: 'topic',
      consumer_services: [...SERVICES],
    });
    await Promise.all([this.send(), ...SERVICES.map((service) => this.consume(service))]);
  }

  /** Of both services, as often as it stands on the stream. */
  get standing(): number {
    return this.expected.produced.size + this.expected.duplicates;
  }

  private get nats(): NatsConnection {
    return this.bench.client;
  }

  private async send(): Promise<void> {
    const { expected } = this;
    let under: Promise<unknown>[] = [];
    for (let n = 0; n < this.count; n++) {
      const id = `m-${n}`;
      under.push(this.publish(id, `first ${id}`));
      expected.produced.add(id);
      // The server knows it again by its id: it is not kept twice.
      if (n % 89 === 3) under.push(this.publish(id, `first ${id}`));
      // Later than the server remembers ids, it would be kept once more: so it has another one here.
      if (isCopied(n)) {
        under.push(this.publish(id, `again ${id}`));
        expected.duplicates++;
      }
      if (under.length < IN_FLIGHT) continue;
      await Promise.all(under);
      under = [];
    }
    await Promise.all(under);
    this.isSent = true;
  }
  private isSent = false;

  private publish(id: string, serverId: string): Promise<unknown> {
    const values = headers();
    values.set('Nats-Msg-Id', serverId);
    values.set('Downbeat-Message-Id', id);
    values.set('Downbeat-Actor', 'shop');
    const body = JSON.stringify({ id });
    return this.nats
      .jetstream()
      .publish(`message.${PRIORITY}.${this.queue}`, body, { headers: values, timeout: 60_000 });
  }

  private async consume(service: string): Promise<void> {
    const { created } = await (await this.nats.jetstreamManager()).streams.info('message');
    const name = `${service}_${this.queue}_${PRIORITY}`;
    const consumer = await this.nats.jetstream().consumers.get('message', name);
    const settled = new Set<number>();
    while (!this.isSent || settled.size < this.standing) {
      const poison: JsMsg[] = [];
      for await (const message of await consumer.fetch({ max_messages: 500, expires: 1_000 })) {
        const n = numberOf(message.headers?.get('Downbeat-Message-Id') ?? '');
        if (isPoison(n, service)) poison.push(message);
        else if (isGivenBack(n) && message.info.redeliveryCount === 1) message.nak();
        else this.settled(service, message, settled);
      }
      while (poison.length > 0)
        await Promise.all(
          poison
            .splice(0, QUARANTINED_AT_ONCE)
            .map((one) => this.quarantine(service, one, String(created), settled)),
        );
    }
  }

  private settled(service: string, message: JsMsg, settled: Set<number>): void {
    message.ack();
    settled.add(message.seq);
    this.expected.consumed[service]?.add(message.headers?.get('Downbeat-Message-Id') ?? '');
  }

  private async quarantine(
    service: string,
    message: JsMsg,
    stream_created: string,
    settled: Set<number>,
  ): Promise<void> {
    await this.accepted(service, {
      ...{ stream_created, stream_sequence: message.seq, attempts: 1, error: 'poison' },
    });
    message.ack();
    settled.add(message.seq);
    this.expected.dead[service]?.add(message.headers?.get('Downbeat-Message-Id') ?? '');
  }

  /** As any service does: asked again until it is answered, which is one letter all the same. */
  private async accepted(service: string, failure: object): Promise<void> {
    for (let attempt = 1; ; attempt++)
      try {
        const { accepted } = await this.bench.command('QuarantineMessage', service, failure);
        if (accepted !== true) throw new Error('a message was not quarantined');
        return;
      } catch (fault) {
        const isLate = fault instanceof NatsError && fault.code === 'TIMEOUT';
        if (!isLate || attempt === ATTEMPTS_MAX) throw fault;
      }
  }
}

/** What the view of the queue has to say of it. */
export const countersOf = ({ produced, duplicates, consumed, dead }: Expected) => ({
  produced_count: produced.size,
  duplicate_count: duplicates,
  consumed_count: sizeOf(consumed),
  dlq_message_count: sizeOf(dead),
  message_count: 0,
  failed_count: 0,
  expired_count: 0,
});

const sizeOf = (sets: Record<string, Set<string>>): number =>
  Object.values(sets).reduce((sum, { size }) => sum + size, 0);
