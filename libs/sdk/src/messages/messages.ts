import type { z } from 'zod';
import type { NatsLink } from '../nats/nats-link';
import { Broadcasts, type HearBroadcast } from './broadcasts';
import type { MessageEvent } from './events';
import type { Enclosed } from './outgoing';
import { Publisher, type Published, type PublishOptions } from './publisher';
import { Subscriptions } from './subscriptions';
import type { HandleMessage, SubscribeOptions, Topic } from './topic';

export interface MessagesPorts {
  readonly link: NatsLink;
  /** The name of the service. */
  readonly service: string;
  readonly tell: (event: MessageEvent) => void;
  readonly onDefect: (where: string, defect: unknown) => void;
}

const LIMITS: Required<SubscribeOptions> = {
  inFlightMax: 8,
  deliveriesMax: 10,
  handlerTimeoutMs: 60_000,
  retryDelayFirstMs: 250,
  retryDelayMaxMs: 30_000,
};

const DAY_MS = 86_400_000;
/** A timer of more than 2^31 - 1 ms would fire at once. */
const LIMITS_MAX: Required<SubscribeOptions> = {
  inFlightMax: 10_000,
  deliveriesMax: 100_000,
  handlerTimeoutMs: DAY_MS,
  retryDelayFirstMs: DAY_MS,
  retryDelayMaxMs: DAY_MS,
};

/** Messages that last, and broadcasts that do not. */
export class Messages {
  private readonly publisher: Publisher;
  private readonly subscriptions: Subscriptions;
  private readonly broadcasts: Broadcasts;

  constructor({ link, service, tell, onDefect }: MessagesPorts) {
    this.publisher = new Publisher(link, service);
    this.subscriptions = new Subscriptions({ link, service, tell, onDefect });
    this.broadcasts = new Broadcasts({ link, sender: service, tell, onDefect });
  }

  /** @throws {MessageNotPublished} @throws {MessageTooLarge} */
  publish(topic: Topic, message: unknown, options: PublishOptions = {}): Promise<Published> {
    return this.publisher.publish(topic, message, options);
  }

  /** @throws {RangeError} A number that makes no sense, a second handler, or it is too late. */
  subscribe<Schema extends z.ZodType>(
    topic: Topic<Schema>,
    handle: HandleMessage<z.output<Schema>>,
    options: SubscribeOptions = {},
  ): void {
    const limits = { ...LIMITS, ...options };
    for (const [name, max] of Object.entries(LIMITS_MAX)) {
      const value = limits[name as keyof SubscribeOptions];
      if (!(Number.isInteger(value) && value >= 1 && value <= max))
        throw new RangeError(`${name} must be a whole number from 1 to ${max}`);
    }
    this.subscriptions.add({ topic, handle: handle as HandleMessage<unknown>, limits });
  }

  /** @throws {MessageNotPublished} @throws {MessageTooLarge} */
  broadcast(topic: Topic, message: unknown, enclosed: Enclosed = {}): void {
    this.broadcasts.send(topic, message, enclosed);
  }

  onBroadcast<Schema extends z.ZodType>(
    topic: Topic<Schema>,
    listen: HearBroadcast<z.output<Schema>>,
  ): () => void {
    return this.broadcasts.hear(topic, listen);
  }

  start(): void {
    this.subscriptions.start();
  }

  async stop(ms: number): Promise<void> {
    await this.subscriptions.stop(ms);
    this.publisher.stop();
  }
}
