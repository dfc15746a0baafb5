import { messagingContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { fold, type JsonObject } from '@downbeat/eventsourcing';
import { MessageBus, type CommandOutcome } from '@downbeat/message-bus';
import {
  deliveriesMaxOf,
  isShared,
  refusalToConsume,
  subscription,
  subscriptionStream,
  type Queue,
  type SubscriptionEvent,
} from '@downbeat/messaging-domain';
import { carryOut, commandOf, refused } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { consumersOf, queuesOf } from '../queues/declared-queues';
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
    const queues = await queuesOf(this.store, data.topics);
    for (const [name, queue] of queues) {
      const refusal = refusalToConsume(name, queue, service_name);
      if (refusal) return refused(refusal);
    }
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
      return since === undefined ? [] : consumersOf(service_name, topic, since, queues.get(topic));
    });
    const stream_created = await this.bus.serviceMessages.ensure(consumers);
    return { ...outcome, answer: { service_name, stream_created, ...saidOf(queues) } };
  }
}

/** What an instance has to know of those that are no mere topics. */
function saidOf(queues: ReadonlyMap<string, Queue>): JsonObject {
  const all = [...queues];
  const shared = all.filter(([, queue]) => isShared(queue)).map(([name]) => name);
  const deliveries_max = Object.fromEntries(
    all.flatMap(([name, queue]) => {
      const max = deliveriesMaxOf(queue);
      return max === undefined ? [] : [[name, max]];
    }),
  );
  const isLimited = Object.keys(deliveries_max).length > 0;
  return { ...(shared.length > 0 && { shared }), ...(isLimited && { deliveries_max }) };
}
