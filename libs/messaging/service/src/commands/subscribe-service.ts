import { messagingContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { fold } from '@downbeat/eventsourcing';
import { MessageBus, type CommandOutcome } from '@downbeat/message-bus';
import {
  subscription,
  subscriptionStream,
  type SubscriptionEvent,
} from '@downbeat/messaging-domain';
import { carryOut, commandOf } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { consumersOfTopic } from '../services/consumers-of';
import { Rounds } from '../services/rounds';

export class SubscribeService extends commandOf(messagingContract.subscribeService) {}

interface Carried {
  readonly by: SubscribeService;
  readonly outcome: CommandOutcome;
}

@CommandHandler(SubscribeService)
export class SubscribeServiceHandler implements ICommandHandler<SubscribeService> {
  private readonly rounds = new Rounds<Carried>();

  constructor(
    private readonly store: EventStore,
    private readonly bus: MessageBus,
  ) {}

  /**
   * Also what an instance asks that finds its consumers gone: they are made, and it hears of a stream that is new.
   * A hundred instances may ask at once, and again because nobody has answered yet: equal ones take effect together.
   * Which life the stream is in is never remembered, but looked up after each of them has asked. What is remembered
   * of a command that comes once more stands for that command only: the others take effect by a round of their own.
   */
  async execute(command: SubscribeService): Promise<CommandOutcome> {
    const { service_name, topics } = command.data;
    const key = [service_name, ...topics.toSorted()].join(' ');
    for (;;) {
      const { by, outcome } = await this.rounds.share(key, async () => ({
        by: command,
        outcome: await this.subscribe(command),
      }));
      // Each round has another one of them carried out, so it ends.
      if (by === command || !outcome.accepted || !outcome.repeated) return outcome;
    }
  }

  private async subscribe({ data, at, cause }: SubscribeService): Promise<CommandOutcome> {
    const { service_name } = data;
    const stream = subscriptionStream(service_name);
    const command = { type: 'SubscribeService', data, at } as const;
    const outcome = await carryOut(this.store, subscription, stream, command, cause, () => ({
      service_name,
    }));
    if (!outcome.accepted) return outcome;
    const events = await this.store.load<SubscriptionEvent>(stream);
    const subscriptions = fold(subscription, events);
    const consumers = data.topics.flatMap((topic) => {
      const since = subscriptions.get(topic);
      // Undefined: it was unsubscribed in between, and what nobody reads would be left behind.
      return since === undefined ? [] : consumersOfTopic(service_name, topic, since);
    });
    const stream_created = await this.bus.serviceMessages.ensure(consumers);
    return { ...outcome, answer: { service_name, stream_created } };
  }
}
