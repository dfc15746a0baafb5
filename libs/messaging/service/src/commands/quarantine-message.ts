import { messagingContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { fold, Rejection } from '@downbeat/eventsourcing';
import { DeadLetters, MessageBus } from '@downbeat/message-bus';
import {
  subscription,
  subscriptionStream,
  type SubscriptionEvent,
} from '@downbeat/messaging-domain';
import { accepted, commandOf, refused } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { letterOf, messageGone } from '../services/failed-message';

export class QuarantineMessage extends commandOf(messagingContract.quarantineMessage) {}

/**
 * A message that a service was given and gave up on. The service names its place, and it is read from the stream:
 * so a megabyte needs no second way, and what is kept is what was sent.
 */
@CommandHandler(QuarantineMessage)
export class QuarantineMessageHandler implements ICommandHandler<QuarantineMessage> {
  constructor(
    private readonly store: EventStore,
    private readonly bus: MessageBus,
    private readonly deadLetters: DeadLetters,
  ) {}

  /** The same letter again is one letter. Accepted means that it is committed. */
  async execute({ data }: QuarantineMessage) {
    const { service_name: service, stream_created: streamCreated, attempts, error } = data;
    const sequence = data.stream_sequence;
    const message = await this.bus.serviceMessages.read({ streamCreated, sequence });
    if (!message) return refused(messageGone(sequence));
    const events = await this.store.load<SubscriptionEvent>(subscriptionStream(service));
    const subscriptions = fold(subscription, events);
    const failure = { service, subscriptions, streamCreated, sequence, attempts, error };
    const letter = letterOf(message, failure);
    if (letter instanceof Rejection) return refused(letter);
    await this.deadLetters.quarantine(letter);
    return accepted(await this.store.head(), { service_name: service, dead_letter_id: letter.id });
  }
}
