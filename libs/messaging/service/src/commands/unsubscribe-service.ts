import { messagingContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { fold } from '@downbeat/eventsourcing';
import { MessageBus } from '@downbeat/message-bus';
import {
  subscription,
  subscriptionStream,
  type SubscriptionEvent,
} from '@downbeat/messaging-domain';
import { carryOut, commandOf } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { consumersOfTopic } from '../services/consumers-of';

const { unsubscribeService } = messagingContract;

export class UnsubscribeService extends commandOf(unsubscribeService) {}

@CommandHandler(UnsubscribeService)
export class UnsubscribeServiceHandler implements ICommandHandler<UnsubscribeService> {
  constructor(
    private readonly store: EventStore,
    private readonly bus: MessageBus,
  ) {}

  /** Also finishes what was cut off: what is decided already is only done. */
  async execute({ data, at, cause }: UnsubscribeService) {
    const { service_name, topics } = data;
    const stream = subscriptionStream(service_name);
    const outcome = await carryOut(
      this.store,
      subscription,
      stream,
      { type: 'UnsubscribeService', data, at },
      cause,
      () => ({ service_name }),
    );
    if (!outcome.accepted) return outcome;
    const events = await this.store.load<SubscriptionEvent>(stream);
    const subscriptions = fold(subscription, events);
    // Of a repetition that comes late: what was subscribed again in between stays.
    const ended = topics.filter((topic) => !subscriptions.has(topic));
    const durables = ended.flatMap((topic) =>
      consumersOfTopic(service_name, topic, at).map(({ durable }) => durable),
    );
    await this.bus.serviceMessages.remove(durables);
    return outcome;
  }
}
