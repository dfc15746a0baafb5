import { messagingContract } from '@downbeat/contracts';
import { EventStore, intent, type Intent } from '@downbeat/event-store';
import { fold, Rejection, streamName, type Instant } from '@downbeat/eventsourcing';
import { MessageBus, type CommandOutcome } from '@downbeat/message-bus';
import {
  queueDeclaration,
  queueStream,
  refusalToShare,
  subscription,
  subscriptionStream,
  type Queue,
  type QueueCommand,
  type SubscriptionCommand,
  type SubscriptionEvent,
} from '@downbeat/messaging-domain';
import { carryOutTogether, commandOf, type Cause } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { consumerParts, consumersOf, queueOf, sharedDurables } from './declared-queues';
import { consumersOfTopic } from '../services/consumers-of';

export class CreateQueue extends commandOf(messagingContract.createQueue) {}
export class ChangeQueue extends commandOf(messagingContract.changeQueue) {}
export class RemoveQueue extends commandOf(messagingContract.removeQueue) {}

/** A declaration, and the subscriptions that follow from it, are one transaction; consumers are made of both. */
abstract class QueueChange {
  constructor(
    private readonly store: EventStore,
    private readonly bus: MessageBus,
  ) {}

  protected async carryOut(
    command: QueueCommand,
    cause: Cause,
    answer: Record<string, string>,
  ): Promise<CommandOutcome> {
    const { queue_name: name } = command.data;
    const queue = await queueOf(this.store, name);
    const misfit = await this.refusalToTurn(queue, command);
    const before = servicesOf(queue);
    const after = wantedServices(command, before);
    const joining = after.filter((one) => !before.includes(one));
    const leaving = before.filter((one) => !after.includes(one));
    const intents = [
      intent(queueDeclaration, queueStream(name), command, cause.meta),
      ...joining.map((service) => subscribing(service, name, command.at, cause)),
      ...leaving.map((service) => unsubscribing(service, name, command.at, cause)),
    ];
    const stream = streamName('queue-declaration', name);
    const outcome = await carryOutTogether(this.store, stream, intents, cause, (decisions) => {
      const refusal = decisions.find((decision) => decision instanceof Rejection);
      return refusal ?? misfit ?? answer;
    });
    if (outcome.accepted) await this.makeTrue(name, after, leaving);
    return outcome;
  }

  /**
   * Only before it is declared: what is said again has been decided, and is finished. Looked at after the command's time,
   * from which on the shared consumers have everything: what comes in between is in nobody's way.
   */
  private async refusalToTurn(
    queue: Queue,
    { type, data }: QueueCommand,
  ): Promise<Rejection | undefined> {
    if (queue.status === 'declared' || type !== 'CreateQueue' || data.queue_type !== 'queue')
      return undefined;
    const progress = await this.bus.serviceMessages.progress();
    const behind = (progress?.consumers ?? []).flatMap((one) => {
      const { service, topic, lane } = consumerParts(one.durable) ?? {};
      const isOwn = service !== undefined && topic === data.queue_name && lane !== 'redriven';
      return isOwn && one.pending + one.inHand > 0 ? [{ ...one, service }] : [];
    });
    return refusalToShare(data.queue_name, {
      services: [...new Set(behind.map(({ service }) => service))],
      pending: behind.reduce((sum, { pending }) => sum + pending, 0),
      inHand: behind.reduce((sum, { inHand }) => sum + inHand, 0),
    });
  }

  /** Also finishes what was cut off: what is there already stays. */
  private async makeTrue(
    name: string,
    services: readonly string[],
    left: readonly string[],
  ): Promise<void> {
    const { serviceMessages } = this.bus;
    const queue = await queueOf(this.store, name);
    const isShared = queue.status === 'declared' && queue.type === 'queue';
    const consumers = await Promise.all(
      services.map(async (service) => {
        const events = await this.store.load<SubscriptionEvent>(subscriptionStream(service));
        const since = fold(subscription, events).get(name);
        return since === undefined ? [] : consumersOf(service, name, since, queue);
      }),
    );
    await serviceMessages.ensure(consumers.flat());
    await serviceMessages.adjust(consumers.flat());
    const leftOver = left.flatMap((service) => ownDurables(service, name));
    const others = isShared ? await this.ownConsumersOf(name) : sharedDurables(name);
    await serviceMessages.remove([...leftOver, ...others]);
  }

  /** Of services that had subscribed to it when it was a topic; they find the shared ones by themselves. */
  private async ownConsumersOf(name: string): Promise<readonly string[]> {
    const progress = await this.bus.serviceMessages.progress();
    const isOwn = new RegExp(`^[a-z0-9-]+_${name}_(critical|high|normal|low)$`);
    return (progress?.consumers ?? [])
      .map(({ durable }) => durable)
      .filter((durable) => isOwn.test(durable));
  }
}

const ownDurables = (service: string, topic: string): readonly string[] =>
  consumersOfTopic(service, topic, '1970-01-01T00:00:00.000Z' as Instant).map(
    ({ durable }) => durable,
  );

const servicesOf = (queue: Queue): readonly string[] =>
  queue.status === 'declared' ? (queue.options.consumer_services ?? []) : [];

function wantedServices(command: QueueCommand, before: readonly string[]): readonly string[] {
  switch (command.type) {
    case 'CreateQueue':
      return command.data.consumer_services ?? [];
    case 'ChangeQueue':
      return command.data.consumer_services ?? before;
    case 'RemoveQueue':
      return [];
  }
}

function subscribing(service: string, topic: string, at: Instant, { meta }: Cause): Intent {
  const data = { service_name: service, topics: [topic] };
  const command: SubscriptionCommand = { type: 'SubscribeService', data, at };
  return intent(subscription, subscriptionStream(service), command, meta);
}

function unsubscribing(service: string, topic: string, at: Instant, { meta }: Cause): Intent {
  const reason = `is no consumer of the queue ${topic} any more`;
  const data = { service_name: service, topics: [topic], reason };
  const command: SubscriptionCommand = { type: 'UnsubscribeService', data, at };
  return intent(subscription, subscriptionStream(service), command, meta);
}

@CommandHandler(CreateQueue)
export class CreateQueueHandler extends QueueChange implements ICommandHandler<CreateQueue> {
  constructor(store: EventStore, bus: MessageBus) {
    super(store, bus);
  }

  execute({ data, at, cause }: CreateQueue) {
    const { queue_name, queue_type } = data;
    return this.carryOut({ type: 'CreateQueue', data, at }, cause, { queue_name, queue_type });
  }
}

@CommandHandler(ChangeQueue)
export class ChangeQueueHandler extends QueueChange implements ICommandHandler<ChangeQueue> {
  constructor(store: EventStore, bus: MessageBus) {
    super(store, bus);
  }

  execute({ data, at, cause }: ChangeQueue) {
    const { queue_name } = data;
    return this.carryOut({ type: 'ChangeQueue', data, at }, cause, { queue_name });
  }
}

@CommandHandler(RemoveQueue)
export class RemoveQueueHandler extends QueueChange implements ICommandHandler<RemoveQueue> {
  constructor(store: EventStore, bus: MessageBus) {
    super(store, bus);
  }

  execute({ data, at, cause }: RemoveQueue) {
    const { queue_name } = data;
    return this.carryOut({ type: 'RemoveQueue', data, at }, cause, { queue_name });
  }
}
