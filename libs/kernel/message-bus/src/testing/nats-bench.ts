import { randomBytes } from 'node:crypto';
import { connect, headers, type NatsConnection } from 'nats';
import type { CommandOutcome } from '../command-outcome';
import { NatsMessageBus } from '../nats/nats-message-bus';
import type { NatsMessageBusOptions } from '../nats/nats-message-bus-options';
import type { BusUnderTest } from './bus-under-test';
import { MemoryDeadLetters } from './memory-dead-letters';
import { removeStreams } from './remove-streams';

/** Longer than any handler of a test takes, on a machine that does much else. */
const REQUEST_TIMEOUT_MS = 60_000;

/** Buses with a prefix of their own on a real server, and a plain client beside them. */
export class NatsBench {
  readonly prefix = `mb${randomBytes(4).toString('hex')}`;
  readonly deadLetters = new MemoryDeadLetters();
  private readonly buses: NatsMessageBus[] = [];

  private constructor(
    readonly url: string,
    /** Any other client: no header, no library of ours. */
    readonly client: NatsConnection,
  ) {}

  /** @throws When no server is configured: a test without one must not pass. */
  static async start(url = process.env['DOWNBEAT_TEST_NATS_URL']): Promise<NatsBench> {
    if (!url) throw new Error('DOWNBEAT_TEST_NATS_URL is not set');
    return new NatsBench(
      url,
      await connect({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 100 }),
    );
  }

  async connect(options: Partial<NatsMessageBusOptions> = {}): Promise<NatsMessageBus> {
    const bus = await NatsMessageBus.connect({
      url: this.url,
      prefix: this.prefix,
      name: 'test',
      deadLetters: this.deadLetters,
      backOff: { firstMs: 5, maxMs: 50 },
      streamBounds: { commandBytesMax: 2 ** 25, retryBytesMax: 2 ** 24, eventBytesMax: 2 ** 25 },
      closeTimeoutMs: 1_000,
      ...options,
    });
    this.buses.push(bus);
    return bus;
  }

  physical(subject: string): string {
    return `${this.prefix}.${subject}`;
  }

  /** A bare request with a body as it is. */
  async send(
    subject: string,
    payload: string | Uint8Array,
    values: Readonly<Record<string, string>> = {},
  ): Promise<CommandOutcome> {
    const made = headers();
    for (const [name, value] of Object.entries(values)) made.set(name, value);
    const answer = await this.client.request(this.physical(subject), payload, {
      timeout: REQUEST_TIMEOUT_MS,
      ...(Object.keys(values).length === 0 ? {} : { headers: made }),
    });
    return answer.json<CommandOutcome>();
  }

  async underTest(): Promise<BusUnderTest> {
    const bus = await this.connect();
    return { bus, deadLetters: this.deadLetters, send: (...message) => this.send(...message) };
  }

  async stop(): Promise<void> {
    await Promise.all(this.buses.map((bus) => bus.close()));
    if (!this.client.isClosed()) await this.client.close();
    await removeStreams(this.url, this.prefix);
  }
}
