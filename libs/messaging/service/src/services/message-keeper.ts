import type { MessageConsumer } from '@downbeat/message-bus';
import { MessageBus } from '@downbeat/message-bus';
import { ReadModels } from '@downbeat/projections';
import { Periodic } from '@downbeat/service-host';
import { Injectable, Logger } from '@nestjs/common';
import { queues } from '../queues/view/queues.projection';
import { wantedConsumers } from '../queues/wanted-consumers';

const LOOK_EVERY_MS = 2_000;

/**
 * Keeps the stream of services' messages: makes it, and makes it again when it has vanished, with
 * the consumers of everyone who has subscribed, before anybody misses one. One replica does it for all.
 */
@Injectable()
export class MessageKeeper {
  private readonly logger = new Logger(MessageKeeper.name);
  private created: string | undefined;
  private readonly periodic = new Periodic("the stream of services' messages", LOOK_EVERY_MS, () =>
    this.look(),
  );

  constructor(
    private readonly bus: MessageBus,
    private readonly readModels: ReadModels,
  ) {}

  start(): void {
    this.created = undefined;
    this.periodic.start({ atOnce: true });
  }

  async stop(): Promise<void> {
    await this.periodic.stop();
  }

  /** One round. */
  async look(): Promise<void> {
    const found = await this.bus.serviceMessages.ensure([]);
    if (found === this.created) return;
    const consumers = await this.consumers();
    // The one whose consumers were made: it may have been lost once more in between.
    this.created = await this.bus.serviceMessages.ensure(consumers);
    const facts = { created: this.created, consumers: consumers.length };
    this.logger.log(facts, "the stream of services' messages is there, with its consumers");
  }

  private async consumers(): Promise<readonly MessageConsumer[]> {
    return (await this.readModels.ask(queues, {}, wantedConsumers)).data;
  }
}
